/** Generated worlds of accounts in which messages are followed: the same events from ours as from nats-server. */
import { expect } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { configOf, randomWorld, type World, type WorldStep } from "../differential/random-world.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { type Outgoing, publish, runScenario, type Scenario, type Step } from "./stage.ts";

const it = new Recording(import.meta.path);
/** Worlds that are compared with a live nats-server. */
const WORLDS = Number(process.env.WORLDS ?? 60);
/** Recorded, so that they are compared where there is no nats-server, too. */
const RECORDED_SEED = 1;
const RECORDED_WORLDS = 6;

it.compared(
  "generated worlds: each message's way is told as nats-server tells it, and each client receives the same",
  async () => {
    for (const [number, scenario] of tracedWorlds(RECORDED_SEED, RECORDED_WORLDS).entries()) {
      const wanted = await answerOfReference(() => played(config => ReferenceServer.start(config), scenario));
      compareNotes(comparable(await played(ours, scenario)), wanted, `world ${number}\n${scenario.config}`);
    }
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [number, scenario] of tracedWorlds(seed, WORLDS).entries()) {
      const wanted = await played(config => ReferenceServer.start(config), scenario);
      compareNotes(await played(ours, scenario), wanted, `SEED=${seed} world ${number}\n${scenario.config}`);
    }
  },
  300_000,
);

type Notes = readonly (readonly string[])[];

const ours = (config: string) => startOurServer([config]);

function tracedWorlds(seed: number, count: number): Scenario[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const own = new Random(random.nextUint32());
    return tracedWorld(randomWorld(own), own);
  });
}

/** What everybody received, step by step; "refused" when the server does not take the configuration. */
async function played(
  start: (config: string) => Promise<{ port: number; stop(): Promise<void> }>,
  scenario: Scenario,
): Promise<Notes | "refused"> {
  const server = await start(`server_name: "one"\n${scenario.config}`).catch((error: Error) => error);
  if (server instanceof Error) {
    if (!/Error adding|Duplicate/.test(server.message)) throw server;
    return "refused";
  }
  try {
    return await runScenario(scenario, server.port);
  } finally {
    await server.stop();
  }
}

function compareNotes(got: Notes | "refused", wanted: Notes | "refused", where: string): void {
  // Which import closes a circle depends on the order in which the reference goes through accounts; worlds.test.ts compares refusals.
  if (got === "refused" || wanted === "refused") return;
  for (const [step, notes] of wanted.entries()) expect(got[step], `${where}\nstep ${step}`).toEqual([...notes]);
}

/** The world with somebody in each account who reads traces, and with accounts that let others follow their messages, or do not. */
function tracedWorld(world: World, random: Random): Scenario {
  const names = world.accounts.flatMap(({ users }) => users.map(({ name }) => name));
  const observers = world.accounts.map(({ name }) => `see${name}`);
  return {
    config: tracingConfig(configOf(world), random),
    users: Object.fromEntries([
      ...observers.map(name => [name, {}] as const),
      ...names.map((name, user) => [name, { echo: world.echo[user], no_responders: random.chance(0.5) }] as const),
    ]),
    subscriptions: Object.fromEntries([
      ...observers.map(name => [name, ["trace.>"]] as const),
      ...names.map((name, user) => [name, world.subscriptions[user]!.map(({ subject, queue }) => `${subject} ${queue ?? ""}`)] as const),
    ]),
    unordered: true,
    steps: world.steps.map((step, number) => tracedStep(step, names, number, random)),
  };
}

function tracingConfig(config: string, random: Random): string {
  const allow = (text: string) => (random.chance(0.6) ? `${text}, allow_trace: true` : text);
  return config
    .replace(/\{ service: "[^"]+"/g, allow)
    .replace(/\{ stream: \{[^}]+\}/g, allow)
    .replace(/^ {2}(\w+): \{\n {4}users: \[ /gm, (_, name) => {
      const observer = `{ user: see${name}, password: see${name}, permissions: { publish: ">", subscribe: ">" } }`;
      const trace = random.chance(0.4) ? `    msg_trace: "trace.${name}"\n` : "";
      return `  ${name}: {\n${trace}    users: [ ${observer}, `;
    });
}

function tracedStep(step: WorldStep, names: readonly string[], number: number, random: Random): Step {
  const reply = step.asks ? `_INBOX.${step.user}.${number}` : "";
  const send = publish(step.subject, { reply, payload: step.payload, headers: randomHeaders(random) });
  const answer: Outgoing = { payload: "answer", headers: random.chance(0.5) ? randomHeaders(random) : undefined };
  return { user: names[step.user]!, send, ...(step.answers > 0 && { answer }) };
}

function randomHeaders(random: Random): Record<string, string> {
  const parent = `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0${random.below(2)}`;
  return {
    ...(random.chance(0.3) && { [random.pick(["traceparent", "Traceparent", "TRACEPARENT"])]: parent }),
    ...(random.chance(0.8) && {
      "Nats-Trace-Dest": random.pick(["trace.event", "trace.event", "trace.a.b", "trace disabled", "trace.*", "a.b"]),
    }),
    ...(random.chance(0.3) && { "Nats-Trace-Only": random.pick(["true", "1", "no"]) }),
    ...(random.chance(0.05) && { "Nats-Trace-Origin-Account": "A" }),
    ...(random.chance(0.2) && { "Accept-Encoding": random.pick(["gzip", "snappy", "br"]) }),
    ...(random.chance(0.3) && { Key: "value" }),
  };
}
