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
