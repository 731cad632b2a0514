/** Generated worlds of accounts in which messages are followed: the same events from ours as from nats-server. */
import { test } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../../src/base/random/seed.ts";
import { configOf, randomWorld, type World, type WorldStep } from "../differential/random-world.ts";
import { playOnBoth, reason, skipped } from "./beside-reference.ts";
import { type Outgoing, publish, type Scenario, type Step } from "./stage.ts";

/** Worlds that both servers take. */
const WORLDS = Number(process.env.WORLDS ?? 60);

test.skipIf(skipped)(
  `generated worlds: each message's way is told as nats-server tells it, and each client receives the same${reason}`,
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    let played = 0;
    for (let number = 0; played < WORLDS; number++) {
      const own = new Random(random.nextUint32());
      const scenario = tracedWorld(randomWorld(own), own);
      try {
        await playOnBoth(scenario, `SEED=${seed} world ${number}\n${scenario.config}`);
        played++;
      } catch (error) {
        // Which import closes a circle depends on the order in which the reference goes through accounts; worlds.test.ts compares refusals.
        if (!/Error adding|Duplicate/.test((error as Error).message)) throw error;
      }
    }
  },
  300_000,
);

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
