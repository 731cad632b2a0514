import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";

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
