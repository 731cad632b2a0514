/** Generated accounts, permissions, exports and imports: everybody receives from ours what it receives from nats-server. */

import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { Random } from "../../src/base/random/random.ts";
import { NatsServer } from "../../src/index.ts";
import { TemporaryDirectory } from "../cli/program.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { type Notes, playWorld } from "./play-world.ts";
import { changedWorld, configOf, randomWorld, type World } from "./random-world.ts";

const it = new Recording(import.meta.path);
/** Worlds that are compared with a live nats-server. */
const WORLDS = Number(process.env.WORLDS ?? 200);
const RELOADED_WORLDS = Math.ceil(WORLDS / 4);
/** Recorded, so that they are compared where there is no nats-server, too. */
const RECORDED_SEED = 1;
const RECORDED_WORLDS = 16;
const RECORDED_RELOADED_WORLDS = 8;

/** What became of a world on a server. */
interface Outcome {
  /** What the server says against its configuration, or against the one that it is to reload; empty: nothing. */
  readonly refusals: readonly string[];
  /** By step. */
  readonly notes: Notes;
}

/** A server that can be given another configuration. */
interface Reloadable {
  readonly port: number;
  reload(config: string): Promise<void>;
  stop(): Promise<void>;
}

it.compared(
  "generated worlds of accounts and permissions: each client receives what it receives from nats-server",
  async () => {
    for (const [number, { world }] of worlds(RECORDED_SEED, RECORDED_WORLDS).entries()) {
      const got = await played(startOurs, world);
      if (got.refusals.includes("cycle")) continue; // see compareOutcomes
      const wanted = await answerOfReference(() => played(startReference, world));
      compareOutcomes(comparable(got), wanted, `world ${number}\n${configOf(world)}`);
    }
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [number, { world }] of worlds(seed, WORLDS).entries()) {
      const [got, wanted] = await Promise.all([played(startOurs, world), played(startReference, world)]);
      compareOutcomes(got, wanted, `SEED=${seed} world ${number}\n${configOf(world)}`);
    }
  },
  300_000,
);

it.compared(
  "generated worlds that are reloaded as others: who stays, who is told what, and what each receives then, are as in nats-server",
  async () => {
    for (const [number, { world, after }] of worlds(RECORDED_SEED, RECORDED_RELOADED_WORLDS).entries()) {
      const got = await played(startOurs, world, after);
      if (got.refusals.includes("cycle")) continue; // see compareOutcomes
      const wanted = await answerOfReference(() => played(startReference, world, after));
      compareOutcomes(comparable(got), wanted, `world ${number}\n${configOf(world)}\n--- and then\n${after}`);
    }
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [number, { world, after }] of worlds(seed, RELOADED_WORLDS).entries()) {
      const [got, wanted] = await Promise.all([played(startOurs, world, after), played(startReference, world, after)]);
      compareOutcomes(got, wanted, `SEED=${seed} world ${number}\n${configOf(world)}\n--- and then\n${after}`);
    }
  },
  300_000,
);

/** Worlds, and configurations to reload them with. */
function worlds(seed: number, count: number): { world: World; after: string }[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const own = new Random(random.nextUint32());
    const world = randomWorld(own);
    return { world, after: configOf(changedWorld(world, own)) };
  });
}

async function startReference(config: string): Promise<Reloadable> {
  return ReferenceServer.start(config);
}

async function startOurs(config: string): Promise<Reloadable> {
  const directory = new TemporaryDirectory();
  const configFile = directory.join("server.conf");
  writeFileSync(configFile, config);
  try {
    const server = await NatsServer.start({ host: "127.0.0.1", port: 0, configFile });
    return {
      port: server.port,
      async reload(text) {
        writeFileSync(configFile, text);
        server.reload();
      },
      async stop() {
        await server.stop();
        directory[Symbol.dispose]();
      },
    };
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
}

/** @param after is reloaded in the middle */
async function played(start: (config: string) => Promise<Reloadable>, world: World, after?: string): Promise<Outcome> {
  const server = await start(configOf(world)).catch((error: Error) => error);
  if (server instanceof Error) return { refusals: refusalsIn(server), notes: [] };
  const refusals: string[] = [];
  const change = () =>
    server.reload(after!).catch((error: Error) => void refusals.push(error.message.includes("cycle") ? "cycle" : "refused"));
  try {
    const notes = await playWorld(world, server.port, after === undefined ? undefined : change);
    return { refusals, notes };
  } finally {
    await server.stop();
  }
}

/** What was wrong with the configuration, without the places; all that closes a circle is one thing, as it is found in no order. */
function refusalsIn(error: Error): string[] {
  // A place is `file:line:column: `, or for what is found wrong later only the text.
  const texts = [...error.message.matchAll(/(?:Error adding|Duplicate) .*/g)].map(([text]) => text);
  if (error.message.includes("cycle")) return ["cycle"];
  return texts.length === 0 ? ["refused"] : texts.sort();
}

function compareOutcomes(got: Outcome, wanted: Outcome, where: string): void {
  // The reference goes through accounts in no order, and which import closes a circle depends on it.
  if (got.refusals.includes("cycle") || wanted.refusals.includes("cycle")) return;
  expect(got.refusals.length, where).toBe(wanted.refusals.length);
  if (wanted.notes.length === 0) expect(got.refusals, where).toEqual([...wanted.refusals]);
  expect(got.notes.length, where).toBe(wanted.notes.length);
  for (const [step, notes] of wanted.notes.entries()) expect(got.notes[step], `${where}\nstep ${step}`).toEqual([...notes]);
}
