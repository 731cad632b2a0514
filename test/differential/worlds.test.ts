/** Generated accounts, permissions, exports and imports: everybody receives from ours what it receives from nats-server. */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../../src/base/random/seed.ts";
import { NatsServer } from "../../src/index.ts";
import { TemporaryDirectory } from "../cli/program.ts";
import { findReference, ReferenceServer, referenceIsRequired } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { playWorld } from "./play-world.ts";
import { changedWorld, configOf, randomWorld, type World } from "./random-world.ts";

/** Worlds that both servers take; those with an import that is refused come on top. */
const WORLDS = Number(process.env.WORLDS ?? 200);
const RELOADED_WORLDS = Math.ceil(WORLDS / 4);

const reference = findReference();
const skipped = reference.path === null && !referenceIsRequired();
const reason = skipped ? ` (skipped: ${reference.missing})` : "";

test.skipIf(skipped)(
  `generated worlds of accounts and permissions: each client receives what it receives from nats-server${reason}`,
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    let played = 0;
    for (let number = 0; played < WORLDS; number++) {
      const own = new Random(random.nextUint32());
      const world = randomWorld(own);
      const config = configOf(world);
      const where = `SEED=${seed} world ${number}\n${config}`;
      if (await compare(world, config, where)) played++;
    }
  },
  300_000,
);

test.skipIf(skipped)(
  `generated worlds that are reloaded as others: who stays, who is told what, and what each receives then, are as in nats-server${reason}`,
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    let played = 0;
    for (let number = 0; played < RELOADED_WORLDS; number++) {
      const own = new Random(random.nextUint32());
      const before = randomWorld(own);
      const after = changedWorld(before, own);
      const where = `SEED=${seed} world ${number}\n${configOf(before)}\n--- and then\n${configOf(after)}`;
      if (await compareReloaded(before, configOf(after), where)) played++;
    }
  },
  300_000,
);

/** @returns whether both took both */
async function compareReloaded(world: World, after: string, where: string): Promise<boolean> {
  using directory = new TemporaryDirectory();
  const file = directory.join("server.conf");
  writeFileSync(file, configOf(world));
  const ours = await NatsServer.start({ host: "127.0.0.1", port: 0, configFile: file }).catch((error: Error) => error);
  const theirs = await ReferenceServer.start(configOf(world)).catch((error: Error) => error);
  try {
    if (ours instanceof Error || theirs instanceof Error) return false; // the other test compares what is refused
    // What one of them refuses the other does too, or the notes differ from here on.
    const noteRefusal = (error: unknown) => void refusals.push(String(error).includes("cycle") ? "cycle" : "refused");
    const refusals: string[] = [];
    const change = async () => {
      writeFileSync(file, after);
      ours.reload();
    };
    const [got, wanted] = await Promise.all([
      playWorld(world, ours.port, () => change().catch(noteRefusal)),
      playWorld(world, theirs.port, () => theirs.reload(after).catch(noteRefusal)),
    ]);
    if (refusals.includes("cycle")) return false; // see above
    expect(refusals.length, where).not.toBe(1);
    for (const [step, notes] of wanted.entries()) expect(got[step], `${where}\nstep ${step}`).toEqual([...notes]);
    return refusals.length === 0;
  } finally {
    if (!(ours instanceof Error)) await ours.stop();
    if (!(theirs instanceof Error)) await theirs.stop();
  }
}

/** @returns whether both took it */
async function compare(world: World, config: string, where: string): Promise<boolean> {
  const ours = await startOurServer([config]).catch((error: Error) => error);
  const theirs = await ReferenceServer.start(config).catch((error: Error) => error);
  try {
    if (ours instanceof Error || theirs instanceof Error) {
      const [mine, its] = [refusalIn(ours), refusalIn(theirs)];
      // The reference goes through accounts in no order, and which import closes a circle depends on it.
      if (![...mine, ...its].some(text => text.includes("cycle"))) expect(mine.sort(), where).toEqual(its.sort());
      return false;
    }
    const [got, wanted] = await Promise.all([playWorld(world, ours.port), playWorld(world, theirs.port)]);
    for (const [step, notes] of wanted.entries()) expect(got[step], `${where}\nstep ${step}`).toEqual([...notes]);
    return true;
  } finally {
    if (!(ours instanceof Error)) await ours.stop();
    if (!(theirs instanceof Error)) await theirs.stop();
  }
}

/** What was wrong with the configuration, without the places. */
function refusalIn(server: unknown): string[] {
  if (!(server instanceof Error)) return ["taken"];
  // A place is `file:line:column: `, or for what is found wrong later only the text.
  return [...server.message.matchAll(/(?:Error adding|Duplicate) .*/g)].map(([text]) => text);
}
