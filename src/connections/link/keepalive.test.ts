import { expect, test } from "bun:test";
import { FakeHost, type FakePeer } from "../../../test/doubles/fake-host.ts";
import type { Options } from "../../config/schema/options.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

function newHost(given: Partial<Options> = {}) {
  return new FakeHost({ pingIntervalMs: 30 * SECOND, ...given });
}

/** Advances the clock second by second. @returns the texts that the peer got, each with the second in which it came */
function sentWithin(host: FakeHost, peer: FakePeer, seconds: number, each: (second: number) => void = () => {}): string[] {
  const sent: string[] = [];
  for (let second = 1; second <= seconds; second++) {
    host.clock.advance(SECOND);
    each(second);
    const text = peer.next();
    if (text !== "") sent.push(`${second}: ${text.trim()}`);
  }
  return sent;
}

test("the first PING is sent 2 to 2.4 seconds after CONNECT, later ones every interval", () => {
  const host = newHost();
  for (let index = 0; index < 20; index++) {
    const peer = host.connect();
    host.clock.advance(2 * SECOND - 1);
    expect(peer.next()).toBe("");
    host.clock.advance(404);
    expect(peer.next()).toBe("PING\r\n");
    peer.send("PONG\r\n");
  }
  const peer = host.connect();
  const sent = sentWithin(host, peer, 95, () => peer.send("PONG\r\n"));
  expect(sent).toEqual(["3: PING", "33: PING", "63: PING", "93: PING"]);
});

test("an interval below two seconds also applies to the first PING", () => {
  const host = newHost({ pingIntervalMs: 500 });
  const peer = host.connect();
  host.clock.advance(499);
  expect(peer.next()).toBe("");
  host.clock.advance(105);
  expect(peer.next()).toBe("PING\r\n");
});

test("a client that answers no PING is stale when one PING more than ping_max is due", () => {
  const host = newHost({ pingsOutMax: 2 });
  const peer = host.accept();
  expect(sentWithin(host, peer, 100)).toEqual(["3: PING", "33: PING", "63: -ERR 'Stale Connection'"]);
  expect([host.closed, peer.transport.ended, host.counters.staleConnections]).toEqual([["StaleConnection"], true, 1]);
});

test("a PONG resets the count of unanswered PINGs", () => {
  const host = newHost({ pingsOutMax: 2 });
  const peer = host.connect();
  const sent = sentWithin(host, peer, 130, second => {
    if (second === 34) peer.send("PONG\r\n");
  });
  expect(sent).toEqual(["3: PING", "33: PING", "63: PING", "93: PING", "123: -ERR 'Stale Connection'"]);
});

test("a client that sends something within the interval gets no PING, unless its round trip is an hour old", () => {
  for (const busy of ["PING\r\n", "PUB a 1\r\nx\r\n", "SUB a 1\r\n", "UNSUB 1\r\n"]) {
    const host = newHost();
    const peer = host.connect();
    expect(sentWithin(host, peer, 3)).toEqual(["3: PING"]);
    peer.send("PONG\r\n");
    const pings = sentWithin(host, peer, 5_400, () => {
      peer.send(busy);
      peer.send("PONG\r\n");
    }).filter(text => text.includes("PING"));
    expect(pings.length, busy).toBe(1);
    expect(Number.parseInt(pings[0], 10) * SECOND, busy).toBeGreaterThanOrEqual(HOUR);
  }
});

test("the round trip is first the time until CONNECT, then that of the last PING", () => {
  const host = newHost();
  const peer = host.accept();
  expect(peer.client.keepalive.roundTripMs).toBe(0);
  host.clock.advance(7);
  peer.send("CONNECT {}\r\n");
  expect(peer.client.keepalive.roundTripMs).toBe(7);
  host.clock.advance(2_500);
  const late = peer.client.keepalive;
  host.clock.advance(3);
  peer.send("PONG\r\n");
  expect(late.roundTripMs).toBeGreaterThanOrEqual(3);
  expect(late.roundTripMs).toBeLessThan(600);
  const quick = host.accept();
  quick.send("CONNECT {}\r\n");
  expect(quick.client.keepalive.roundTripMs).toBeGreaterThan(0);
});

test("a closed client gets no PING", () => {
  const host = newHost();
  const peer = host.connect();
  peer.client.onClose(null);
  expect([sentWithin(host, peer, 100), host.turn.timers.size]).toEqual([[], 0]);
});
