/**
 * The JavaScript clients `@nats-io/jetstream` and `@nats-io/kv`, unchanged, under Bun and under Node: every call of theirs for streams,
 * publishing, direct gets and buckets returns with our server what it returns with nats-server.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { findProgram, needs } from "../../reference/programs.ts";
import { askBoth, Recording } from "../../reference/recording.ts";
import { type ServerKind, TestedServer } from "../sequences/tested-server.ts";
import { playSteps, type Step } from "./step.ts";
import { TABLES, type TableName } from "./tables.ts";

const TIMEOUT_MS = 120_000;
const NAMES = Object.keys(TABLES) as TableName[];
const it = new Recording(import.meta.path);

/** Plays a table against a port. */
type Play = (name: TableName, port: number) => Promise<string[]>;

const playUnderBun: Play = (name, port) => playSteps(TABLES[name], connect, port);

let script: Promise<string> | null = null;

const playUnderNode: Play = async (name, port) => {
  const { path, missing } = findProgram("node");
  if (path === null) throw new Error(missing);
  script ??= buildForNode();
  const child = Bun.spawn([path, "--input-type=module", "--eval", await script, name, String(port)], {
    cwd: join(import.meta.dir, "../../.."), // where the packages are found
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (status !== 0) throw new Error(`node exited with ${status}: ${errors}`);
  return JSON.parse(output) as string[];
};

async function buildForNode(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "play-under-node.ts")],
    target: "node",
    packages: "external", // the clients are loaded as they were published
  });
  return outputs[0]!.text();
}

async function linesOf(kind: ServerKind, name: TableName, play: Play): Promise<string[]> {
  await using server = await TestedServer.start(kind, ["enabled"]);
  return await play(name, server.port); // the server ends after the last step
}

function compare(runtime: string, play: Play): void {
  for (const name of NAMES) {
    it.compared(
      `nats.js under ${runtime}: ${name}`,
      async () => {
        const [ours, theirs] = await askBoth(
          () => linesOf("ours", name, play),
          () => linesOf("nats-server", name, play),
        );
        expect(it.comparable(ours)).toEqual(it.comparable(theirs));
      },
      TIMEOUT_MS,
    );
  }
}

compare("Bun", playUnderBun);
needs(["node"], () => compare("Node", playUnderNode));

/** Calls that need a consumer, which this server does not have yet. */
const CALLS_WITH_CONSUMERS: readonly Step[] = [
  ["add a stream", ({ jsm }) => jsm.streams.add({ name: "S", subjects: ["s"] })],
  ["add a consumer", ({ jsm }) => jsm.consumers.add("S", { durable_name: "C", ack_policy: "explicit" })],
  ["an ordered consumer", ({ js }) => js.consumers.get("S")],
  ["a push consumer", ({ js }) => js.consumers.getPushConsumer("S")],
  ["watch", async ({ kvm }) => (await kvm.create("B")).watch()],
  ["keys", async ({ kvm }) => (await kvm.open("B")).keys()],
  ["history", async ({ kvm }) => (await kvm.open("B")).history()],
  ["delete by wildcard", async ({ kvm }) => (await kvm.open("B")).delete("a.*")],
];

test("calls that need a consumer fail at once, with an error that says why", async () => {
  await using server = await TestedServer.start("ours", ["enabled"]);
  const lines = await playSteps(CALLS_WITH_CONSUMERS, connect, server.port);
  expect(lines.slice(1)).toEqual(
    CALLS_WITH_CONSUMERS.slice(1).map(
      ([sentence]) => `${sentence}: JetStreamApiError 500/10012: consumers are not supported by this server yet`,
    ),
  );
});

test("every step has a sentence of its own", () => {
  for (const name of NAMES) {
    const sentences = TABLES[name].map(([sentence]) => sentence);
    expect(sentences).toEqual([...new Set(sentences)]);
  }
});
