import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { LameDuck, type Leaving } from "./lame-duck.ts";

/** A server with that many clients; records the time at which each is closed. */
function serverWith(clients: number, options: { lameDuckDurationMs: number; lameDuckGraceMs: number }) {
  const { clock, turn, log, lines } = new FakeHost();
  const started = clock.monotonic();
  const events: string[] = [];
  const closedAt: number[] = [];
  const leaving: Leaving[] = Array.from({ length: clients }, () => ({
    closed: false,
    close(reason) {
      expect(reason).toBe(CloseReason.ServerShutdown);
      closedAt.push(clock.monotonic() - started);
    },
  }));
  const lameDuck = new LameDuck({
    turn,
    log,
    options,
    publishLameDuck: () => events.push("published"),
    stopAccepting: () => events.push("no new clients"),
    announceLameDuck: () => events.push("announced"),
    leaving: () => leaving,
    stop: async () => void events.push("stopped"),
  });
  return { lameDuck, clock, lines, events, closedAt };
}

test("clients are informed, stay connected for the grace period, then are closed one by one within the duration", () => {
  const { lameDuck, clock, lines, events, closedAt } = serverWith(100, { lameDuckDurationMs: 60_000, lameDuckGraceMs: 10_000 });
  lameDuck.enter();
  expect(events).toEqual(["published", "no new clients", "announced"]);
  clock.advance(9_999);
  expect(closedAt).toEqual([]);
  clock.advance(60_000);
  expect(closedAt.length).toBe(100);
  expect(events).toEqual(["published", "no new clients", "announced", "stopped"]);
  expect(lines).toEqual(["Entering lame duck mode, stop accepting new clients", "Closing existing clients"]);
  const pauses = closedAt.slice(1).map((at, index) => at - closedAt[index]);
  // 50 s for 100 clients: 500 ms each, of which at least half is waited; a timer is up to 4 ms late, and the next pause is shorter by that.
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(246);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(504);
  expect(new Set(pauses).size).toBeGreaterThan(10);
});

test("few clients are closed before the duration ends: a pause is at most a second", () => {
  const { lameDuck, clock, closedAt } = serverWith(3, { lameDuckDurationMs: 120_000, lameDuckGraceMs: 10_000 });
  lameDuck.enter();
  clock.advance(12_100);
  expect(closedAt.length).toBe(3);
});

test("several clients are closed in one turn when there are many clients and little time", () => {
  const { lameDuck, clock, events, closedAt } = serverWith(10_000, { lameDuckDurationMs: 30_000, lameDuckGraceMs: 29_000 });
  lameDuck.enter();
  clock.advance(30_100);
  expect(closedAt.length).toBe(10_000);
  expect(events.at(-1)).toBe("stopped");
});

test("a server without clients stops at once and announces nothing", () => {
  const { lameDuck, events } = serverWith(0, { lameDuckDurationMs: 120_000, lameDuckGraceMs: 10_000 });
  lameDuck.enter();
  expect(events).toEqual(["published", "no new clients", "stopped"]);
});

test("a server that stops during lame duck mode closes no client later", () => {
  const { lameDuck, clock, closedAt } = serverWith(5, { lameDuckDurationMs: 120_000, lameDuckGraceMs: 10_000 });
  lameDuck.enter();
  lameDuck.cancel();
  clock.advance(200_000);
  expect(closedAt).toEqual([]);
});
