/**
 * Every row of the table, scaled down, with the longest wait of a bystander counted in units of work: how much the server does for others
 * between a PING of the bystander and its PONG.
 */
import { expect, test } from "bun:test";
import { MONITOR_PORT, WEB_SOCKET_PORT } from "../../../bench/compare/servers.ts";
import { SHARE_UNITS } from "../../../src/base/scheduling/work-meter.ts";
import { loadConfigText } from "../../../src/config/schema/load-config.ts";
import { TestServer } from "../test-server.ts";
import { AttackClient } from "./attack-client.ts";
import { LocalAttack } from "./local-attack.ts";
import { ROWS } from "./rows.ts";

/**
 * Shares are an eighth of those of a running server. So every load is many shares long although it is scaled down, and what one read of a
 * socket holds is more than a share: without division all rows fail but those of `LIGHT`.
 */
const TEST_SHARE_UNITS = SHARE_UNITS / 8;
/**
 * The server works for a slice, which is four shares, before it looks at the PING, and for another one before the PONG is read here; in between,
 * each event of a socket gets a share, and a single command may take more than one.
 */
const WAIT_UNITS_MAX = 28 * TEST_SHARE_UNITS;
/** A load must be so much larger than what a bystander may wait for, otherwise a row shows nothing. */
const LOAD_UNITS_MIN = 2 * WAIT_UNITS_MAX;
/** Loads without an end of their own end after this many units, */
const LOAD_UNITS_MAX = 24 * WAIT_UNITS_MAX;
/** or after so many PINGs, when the server does not count its work for them. */
const PINGS_MAX = 20_000;

/** The part of each count of the table, so that the load is long enough and the test is not. */
const SCALE = 0.2;
const SCALES: Record<string, number> = {
  subsz: 0.05,
  connz: 0.05,
  "connects-at-once": 0.1,
  "bad-passwords": 0.1,
  "no-echo": 0.05,
  patterns: 0.05,
  "trace-only": 0.25,
  "queue-copies": 1,
  groups: 1,
  "cached-results": 1,
  subs: 0.5,
  leaving: 0.5,
  collisions: 0.02,
};
/** Rows whose whole load is little work, because the server searches no list and no chain for them: it must stay so. */
const LIGHT = new Set(["answers-owed", "reply-subject", "collisions"]);
const LIGHT_UNITS_MAX = 4 * SHARE_UNITS;

/** Plays a row. @returns units of the longest wait, and of the whole load */
async function play(id: string, scale: number): Promise<{ longest: number; load: number }> {
  const row = ROWS.find(one => one.id === id)!;
  const environment = { [MONITOR_PORT]: "-1", [WEB_SOCKET_PORT]: "-1" };
  const { options } = loadConfigText(`http: $${MONITOR_PORT}\n${row.configuration ?? ""}`, environment);
  await using server = TestServer.open(options);
  server.turn.scheduler.shareUnits = TEST_SHARE_UNITS;
  const ports = { client: server.port, monitor: server.monitorPort!, webSocket: server.websocketPort ?? 0 };
  const attack = new LocalAttack(ports, scale);
  const load = await row.prepare(attack);
  const bystander = await AttackClient.connect(server.port);
  const { meter } = server.turn;
  const begin = meter.done;
  let loading = true;
  const loaded = load().finally(() => {
    loading = false;
  });
  let longest = 0;
  for (let pings = 0; loading; pings++) {
    const before = meter.done;
    await bystander.confirmed();
    longest = Math.max(longest, meter.done - before);
    if (meter.done - begin > LOAD_UNITS_MAX || pings >= PINGS_MAX) attack.end();
  }
  await loaded;
  const units = meter.done - begin;
  attack.close();
  bystander.close();
  return { longest, load: units };
}

for (const { id, before, load } of ROWS) {
  test(`${id}: ${[before, load].filter(Boolean).join("; then ")}`, async () => {
    const played = await play(id, SCALES[id] ?? SCALE);
    expect(played.longest).toBeLessThanOrEqual(WAIT_UNITS_MAX);
    if (LIGHT.has(id)) expect(played.load).toBeLessThanOrEqual(LIGHT_UNITS_MAX);
    else expect(played.load).toBeGreaterThanOrEqual(LOAD_UNITS_MIN);
  }, 60_000);
}
