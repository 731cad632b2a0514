import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeHost } from "../../../test/doubles/fake-host.ts";

test("assertions: a client's subscriptions are in the interest of its account", () => {
  const host = new FakeHost();
  const peer = host.connect();
  const { client } = peer;
  peer.send("SUB a 1\r\nSUB b 2\r\n");
  const [first, second] = [...client.subscriptions.values()];
  host.globalAccount.interest.remove(first);
  expect(brokenAssertion(() => client.subscriptions.remove(first))).toBe(
    "Assertion broken: a subscription is in its client's table and in the interest of its account: true, false",
  );
  host.globalAccount.interest.remove(second);
  expect(brokenAssertion(() => client.subscriptions.removeAll())).toBe(
    "Assertion broken: the subscriptions of a client are in the interest of its account: 0, 1",
  );
});

test("assertions: an account has no negative number of connections", () => {
  const host = new FakeHost();
  const { client } = host.connect();
  host.globalAccount.connections = 0;
  expect(brokenAssertion(() => client.onClose(null))).toBe('Assertion broken: an account has no negative number of connections: "$G", -1');
});
