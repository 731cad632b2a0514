import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";

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

test("many subscriptions of a closing client are removed in slices; none of them gets a message meanwhile", () => {
  const host = new FakeHost();
  const closing = host.connect();
  const other = host.connect();
  closing.send(Array.from({ length: 20_000 }, (_, index) => `SUB s.${index % 5_000} q ${index}\r\n`).join(""));
  host.clock.advance(0);
  const { interest } = host.globalAccount;
  expect(interest.count).toBe(20_000);
  other.send("SUB s.7 q 1\r\nSUB s.* 2\r\n");
  const before = host.turn.meter.done;
  closing.client.close(CloseReason.ClientClosed);
  expect(closing.client.subscriptions.size).toBe(0);
  expect(interest.count).toBe(20_002);
  expect(host.turn.meter.done - before).toBeLessThan(100);
  other.send("PUB s.7 1\r\nx\r\n");
  expect(other.next().split("MSG").length - 1).toBe(2);
  host.clock.advance(0);
  expect(interest.count).toBe(2);
});

test("sids of any bytes are told apart, and a removed one is free again", () => {
  const host = new FakeHost();
  const peer = host.connect();
  const { subscriptions } = peer.client;
  peer.send("SUB a x\r\nSUB b \xff\r\nSUB c x\r\n");
  const subjects = () => [...subscriptions.values()].map(({ subject }) => Buffer.from(subject).toString());
  expect(subjects()).toEqual(["a", "b"]);
  peer.send("UNSUB x\r\nSUB d x\r\nUNSUB y\r\n");
  expect(subjects()).toEqual(["b", "d"]);
});

test("assertions: an account has no negative number of connections", () => {
  const host = new FakeHost();
  const { client } = host.connect();
  host.globalAccount.connections = 0;
  expect(brokenAssertion(() => client.onClose(null))).toBe('Assertion broken: an account has no negative number of connections: "$G", -1');
});
