/** Generated accounts, permissions, exports and imports: each client receives the same from our server and from nats-server. */

import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { Random } from "../../src/base/random/random.ts";
import { NatsServer } from "../../src/index.ts";
import { TemporaryDirectory } from "../cli/program.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { type AccountScenario, configOf, randomAccountScenario, withChangedAccounts } from "./account-scenario.ts";
import { type Notes, runAccountScenario } from "./run-account-scenario.ts";

const it = new Recording(import.meta.path);
/** Number of scenarios that are compared with a live nats-server. */
const SCENARIOS = Number(process.env.SCENARIOS ?? 200);
const RELOADED_SCENARIOS = Math.ceil(SCENARIOS / 4);
/** Recorded, so that the comparison also runs without nats-server. */
const RECORDED_SEED = 1;
const RECORDED_SCENARIOS = 16;
const RECORDED_RELOADED_SCENARIOS = 8;

/** The result of a scenario on a server. */
interface Outcome {
  /** Errors of the server about its configuration or the reloaded one; empty if it accepts them. */
  readonly refusals: readonly string[];
  /** What the clients received, by step. */
  readonly notes: Notes;
}

/** A server whose configuration can be reloaded. */
interface Reloadable {
  readonly port: number;
  reload(config: string): Promise<void>;
  stop(): Promise<void>;
}

it.compared(
  "generated accounts and permissions: each client receives what it receives from nats-server",
  async () => {
    for (const [number, { scenario }] of scenarios(RECORDED_SEED, RECORDED_SCENARIOS).entries()) {
      const got = await outcomeOf(startOurs, scenario);
      if (got.refusals.includes("cycle")) continue; // see compareOutcomes
      const wanted = await answerOfReference(() => outcomeOf(startReference, scenario));
      compareOutcomes(comparable(got), wanted, `scenario ${number}\n${configOf(scenario)}`);
    }
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [number, { scenario }] of scenarios(seed, SCENARIOS).entries()) {
      const [got, wanted] = await Promise.all([outcomeOf(startOurs, scenario), outcomeOf(startReference, scenario)]);
      compareOutcomes(got, wanted, `SEED=${seed} scenario ${number}\n${configOf(scenario)}`);
    }
  },
  300_000,
);

it.compared(
  "generated accounts that a reload changes: closed connections, errors and received messages are those of nats-server",
  async () => {
    for (const [number, { scenario, after }] of scenarios(RECORDED_SEED, RECORDED_RELOADED_SCENARIOS).entries()) {
      const got = await outcomeOf(startOurs, scenario, after);
      if (got.refusals.includes("cycle")) continue; // see compareOutcomes
      const wanted = await answerOfReference(() => outcomeOf(startReference, scenario, after));
      compareOutcomes(comparable(got), wanted, `scenario ${number}\n${configOf(scenario)}\n--- and then\n${after}`);
    }
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [number, { scenario, after }] of scenarios(seed, RELOADED_SCENARIOS).entries()) {
      const [got, wanted] = await Promise.all([outcomeOf(startOurs, scenario, after), outcomeOf(startReference, scenario, after)]);
      compareOutcomes(got, wanted, `SEED=${seed} scenario ${number}\n${configOf(scenario)}\n--- and then\n${after}`);
    }
  },
  300_000,
);

/** Scenarios, and configurations that are reloaded during them. */
function scenarios(seed: number, count: number): { scenario: AccountScenario; after: string }[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const own = new Random(random.nextUint32());
    const scenario = randomAccountScenario(own);
    return { scenario, after: configOf(withChangedAccounts(scenario, own)) };
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

/** @param after configuration that is reloaded before the middle step */
async function outcomeOf(start: (config: string) => Promise<Reloadable>, scenario: AccountScenario, after?: string): Promise<Outcome> {
  const server = await start(configOf(scenario)).catch((error: Error) => error);
  if (server instanceof Error) return { refusals: refusalsIn(server), notes: [] };
  const refusals: string[] = [];
  const change = () =>
    server.reload(after!).catch((error: Error) => void refusals.push(error.message.includes("cycle") ? "cycle" : "refused"));
  try {
    const notes = await runAccountScenario(scenario, server.port, after === undefined ? undefined : change);
    return { refusals, notes };
  } finally {
    await server.stop();
  }
}

/** Errors of a configuration without file, line and column. All cycles of imports are one error: which import closes a cycle varies. */
function refusalsIn(error: Error): string[] {
  // Some errors begin with `file:line:column: `, others have only their text.
  const texts = [...error.message.matchAll(/(?:Error adding|Duplicate) .*/g)].map(([text]) => text);
  if (error.message.includes("cycle")) return ["cycle"];
  return texts.length === 0 ? ["refused"] : texts.sort();
}

function compareOutcomes(got: Outcome, wanted: Outcome, where: string): void {
  // The reference processes accounts in random order, and that decides which import closes a cycle.
  if (got.refusals.includes("cycle") || wanted.refusals.includes("cycle")) return;
  expect(got.refusals.length, where).toBe(wanted.refusals.length);
  if (wanted.notes.length === 0) expect(got.refusals, where).toEqual([...wanted.refusals]);
  expect(got.notes.length, where).toBe(wanted.notes.length);
  for (const [step, notes] of wanted.notes.entries()) expect(got.notes[step], `${where}\nstep ${step}`).toEqual([...notes]);
}
