import { expect, test } from "bun:test";
import { FakeHost, type FakePeer } from "../../../test/doubles/fake-host.ts";
import { Permissions } from "../../access/permission/permissions.ts";
import { Account } from "../../accounts/account/account.ts";
import { PLAIN_LOGIN } from "../../auth/users/authenticator.ts";
import { bind } from "./binding.ts";

test("status 503 goes to the publisher's own subscription, also among many of others, which are searched once", () => {
  const host = new FakeHost();
  const others = host.connect();
  others.send(Array.from({ length: 2_000 }, (_, index) => `SUB reply ${index}\r\n`).join(""));
  host.clock.advance(0);
  const publisher = host.accept();
  publisher.send('CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n');
  const unanswered = (count: number) => {
    const { done } = host.turn.meter;
    publisher.send("PUB nobody reply 0\r\n\r\n".repeat(count));
    host.clock.advance(0);
    return host.turn.meter.done - done;
  };
  const next = unanswered(1);
  expect(next).toBeLessThan(100);
  expect(unanswered(100)).toBeLessThan(100 * (next + 2));
  expect(publisher.next()).toBe("");
  // With many subscriptions of its own, the list is searched at the first message.
  publisher.send(Array.from({ length: 70 }, (_, index) => `SUB other x${index}\r\n`).join(""));
  const first = unanswered(1);
  expect(first - unanswered(1)).toBeGreaterThan(2_000 / 16);
  expect(publisher.next()).toBe("");
  publisher.send("SUB reply mine\r\n");
  publisher.send("PUB nobody reply 0\r\n\r\n".repeat(2));
  expect(publisher.next().split("HMSG reply mine").length - 1).toBe(2);
  publisher.send(Array.from({ length: 70 }, (_, index) => `UNSUB x${index}\r\n`).join(""));
  publisher.send("PUB nobody reply 0\r\n\r\n");
  expect(publisher.next().split("HMSG reply mine").length - 1).toBe(1);
  expect(others.next()).toBe("");
});

test("a publisher on many subjects follows new permissions, another account and another epoch of the interest", () => {
  const host = new FakeHost();
  const account = host.globalAccount;
  const subscriber = host.connect();
  subscriber.send("SUB a.* 1\r\n");
  const publisher = host.connect();
  const subjects = Array.from({ length: 600 }, (_, index) => `a.${index}`);
  const allow = (allowed: string[] | null, from: Account) => {
    const publish = { allow: allowed, deny: null };
    const permissions = Permissions.compile({ publish, subscribe: null, responses: null }, host.turn.random);
    bind(publisher.client, { ...PLAIN_LOGIN, account: from, permissions });
  };
  const count = (peer: FakePeer, part: string) => peer.next().split(part).length - 1;
  const publish = () => {
    for (const subject of subjects) publisher.send(`PUB ${subject} 0\r\n\r\n`);
    host.clock.advance(0);
    return { delivered: count(subscriber, "MSG "), refused: count(publisher, "Permissions Violation") };
  };
  const all = { delivered: 600, refused: 0 };
  const none = { delivered: 0, refused: 600 };
  allow(["a.>"], account);
  for (let round = 0; round < 3; round++) expect(publish()).toEqual(all);
  allow(["b.>"], account);
  expect(publish()).toEqual(none);
  allow(["a.>"], account);
  for (let round = 0; round < 3; round++) expect(publish()).toEqual(all);
  // Its stamps are other subjects there.
  const other = new Account("OTHER", host);
  const there = host.connect();
  bind(there.client, { ...PLAIN_LOGIN, account: other, permissions: null });
  there.send("SUB > 1\r\n");
  allow([...subjects.slice(300), "x.*"], other);
  expect(publish()).toEqual({ delivered: 0, refused: 300 });
  expect(count(there, "MSG ")).toBe(300);
});
