/** Generated accounts with traced messages: our server publishes the same trace events as nats-server. */
import { expect } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { type AccountScenario, type AccountStep, configOf, randomAccountScenario } from "../differential/account-scenario.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { startOurServer } from "../wire/our-server.ts";
import { type Outgoing, publish, runTraceScenario, type TraceScenario, type TraceStep } from "./trace-scenario.ts";

const it = new Recording(import.meta.path);
/** Number of scenarios that are compared with a live nats-server. */
const SCENARIOS = Number(process.env.SCENARIOS ?? 60);
/** Recorded, so that the comparison also runs without nats-server. */
const RECORDED_SEED = 1;
const RECORDED_SCENARIOS = 6;

it.compared(
  "generated accounts with traced messages: trace events and received messages are those of nats-server",
  async () => {
    for (const [number, scenario] of tracedScenarios(RECORDED_SEED, RECORDED_SCENARIOS).entries()) {
      const wanted = await answerOfReference(() => outcomeOf(config => ReferenceServer.start(config), scenario));
      compareNotes(comparable(await outcomeOf(ours, scenario)), wanted, `scenario ${number}\n${scenario.config}`);
    }
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [number, scenario] of tracedScenarios(seed, SCENARIOS).entries()) {
      const wanted = await outcomeOf(config => ReferenceServer.start(config), scenario);
      compareNotes(await outcomeOf(ours, scenario), wanted, `SEED=${seed} scenario ${number}\n${scenario.config}`);
    }
  },
  300_000,
);

type Notes = readonly (readonly string[])[];

const ours = (config: string) => startOurServer([config]);

function tracedScenarios(seed: number, count: number): TraceScenario[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const own = new Random(random.nextUint32());
    return tracedScenario(randomAccountScenario(own), own);
  });
}

/** What all clients received, by step; "refused" if the server refuses the configuration. */
async function outcomeOf(
  start: (config: string) => Promise<{ port: number; stop(): Promise<void> }>,
  scenario: TraceScenario,
): Promise<Notes | "refused"> {
  const server = await start(`server_name: "one"\n${scenario.config}`).catch((error: Error) => error);
  if (server instanceof Error) {
    if (!/Error adding|Duplicate/.test(server.message)) throw server;
    return "refused";
  }
  try {
    return await runTraceScenario(scenario, server.port);
  } finally {
    await server.stop();
  }
}

function compareNotes(got: Notes | "refused", wanted: Notes | "refused", where: string): void {
  // The reference processes accounts in random order, which decides the import that closes a cycle; account-scenarios.test.ts compares refusals.
  if (got === "refused" || wanted === "refused") return;
  for (const [step, notes] of wanted.entries()) expect(got[step], `${where}\nstep ${step}`).toEqual([...notes]);
}

/** The scenario with a user in each account who receives traces, and with random `allow_trace` and `msg_trace`. */
function tracedScenario(scenario: AccountScenario, random: Random): TraceScenario {
  const names = scenario.accounts.flatMap(({ users }) => users.map(({ name }) => name));
  const observers = scenario.accounts.map(({ name }) => `see${name}`);
  return {
    config: tracingConfig(configOf(scenario), random),
    users: Object.fromEntries([
      ...observers.map(name => [name, {}] as const),
      ...names.map((name, user) => [name, { echo: scenario.echo[user], no_responders: random.chance(0.5) }] as const),
    ]),
    subscriptions: Object.fromEntries([
      ...observers.map(name => [name, ["trace.>"]] as const),
      ...names.map((name, user) => [name, scenario.subscriptions[user]!.map(({ subject, queue }) => `${subject} ${queue ?? ""}`)] as const),
    ]),
    unordered: true,
    steps: scenario.steps.map((step, number) => tracedStep(step, names, number, random)),
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

function tracedStep(step: AccountStep, names: readonly string[], number: number, random: Random): TraceStep {
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
