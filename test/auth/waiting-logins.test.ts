/** Logins whose passwords are hashed wait for each other, but not longer than the login's time limit. */
import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { startOurs } from "../operator/both-servers.ts";
import { Peer } from "../operator/peer.ts";

const COST = 11;
const hash = Bun.password.hashSync("slow", { algorithm: "bcrypt", cost: COST });
const quick = Bun.password.hashSync("quick", { algorithm: "bcrypt", cost: 4 });

test("a login that has waited for the whole time limit is closed with the text of a timeout; a later one succeeds", async () => {
  const side = await startOurs(
    `authorization { timeout: 0.05, users [ { user: slow, password: "${hash}" }, { user: quick, password: "${quick}" } ] }`,
  );
  const peers = await Promise.all(Array.from({ length: availableParallelism() * 40 }, () => Peer.open(side.port)));
  for (const peer of peers) peer.connect({ connect: { user: "slow", pass: "wrong" } });
  await Promise.all(peers.map(peer => peer.untilClosed()));
  const errors = new Set(peers.flatMap(({ lines }) => lines));
  expect(errors).toContain("-ERR 'Authentication Timeout'");
  expect([...errors].filter(line => !/^-ERR 'Auth(entication Timeout|orization Violation)'$/.test(line))).toEqual([]);
  expect(side.log().some(line => line.startsWith("DBG ") && line.includes("Authentication Timeout"))).toBe(true);
  const url = `http://127.0.0.1:${side.monitorPort}/connz?state=closed&limit=1000`;
  const { connections } = (await (await fetch(url)).json()) as { connections: { reason: string }[] };
  expect(new Set(connections.map(({ reason }) => reason))).toContain("Authentication Timeout");
  const later = await Peer.login(side.port, { connect: { user: "quick", pass: "quick" } });
  expect([later.closed, later.lines]).toEqual([false, []]);
  later.close();
  await side.stop();
});

test("a reload checks no password again that has not changed, so no client waits or is closed", async () => {
  const config = (timeout: string, users: string) => `authorization { timeout: ${timeout}, users [ ${users} ] }`;
  const slowUser = `{ user: slow, password: "${hash}" }`;
  const side = await startOurs(config("60", slowUser));
  const peers = await Promise.all(Array.from({ length: 8 }, () => Peer.login(side.port, { connect: { user: "slow", pass: "slow" } })));
  expect(await side.reloadWith(config("0.05", `${slowUser}, { user: new, password: new }`))).toBe("");
  await Promise.all(peers.map(peer => peer.ping()));
  expect(peers.map(({ closed, lines }) => [closed, lines])).toEqual(peers.map(() => [false, []]));
  for (const peer of peers) peer.close();
  await side.stop();
});
