/** `nats`, the command line tool of the NATS project: its commands for streams and buckets print the same with our server as with nats-server. */
import { expect, test } from "bun:test";
import { type CliResult, NatsCli } from "../clients/nats-cli.ts";
import { needs } from "../reference/programs.ts";
import { type ServerKind, TestedServer } from "./sequences/tested-server.ts";

/** One after the other. */
const COMMANDS: readonly string[] = [
  "stream ls",
  "stream add ORDERS --subjects orders.> --defaults",
  "stream add ORDERS --subjects orders.> --defaults",
  "stream add MEMORY --subjects memory.* --storage memory --max-msgs-per-subject 2 --allow-direct --defaults",
  "stream add OVERLAP --subjects orders.a --defaults",
  "pub --jetstream orders.new first",
  "pub --jetstream orders.new second -H Kind:test",
  "pub --jetstream orders.old third -H Nats-Msg-Id:1",
  "pub --jetstream orders.old third -H Nats-Msg-Id:1",
  "pub --jetstream memory.a one",
  "pub --jetstream memory.a two",
  "pub --jetstream memory.a three",
  "pub --jetstream nowhere text",
  "stream info ORDERS",
  "stream info ORDERS --json",
  "stream info MEMORY --state",
  "stream ls",
  "stream ls --names",
  "stream subjects ORDERS",
  "stream subjects ORDERS orders.o* --json",
  "stream find --subject orders.*",
  "stream copy ORDERS COPY --subjects copy.>",
  "stream gaps ORDERS -f",
  "req orders.new text",
  "stream get ORDERS 1",
  "stream get ORDERS 2 --json",
  "stream get ORDERS --last-for orders.new",
  "stream get ORDERS 99",
  "stream rmm ORDERS 1 -f",
  "stream rmm ORDERS 1 -f",
  "stream edit ORDERS --max-msgs 5 --description changed -f",
  "stream edit ORDERS --storage memory -f",
  "stream state ORDERS",
  "stream purge ORDERS --subject orders.old -f",
  "stream purge ORDERS --keep 1 -f",
  "stream purge ORDERS -f",
  "stream report",
  "stream find --empty",
  "stream seal MEMORY -f",
  "stream rm MEMORY -f",
  "stream rm MEMORY -f",
  "kv add CONFIG --history 3 --description bucket",
  "kv add CONFIG --history 4",
  "kv put CONFIG name one",
  "kv put CONFIG name two",
  "kv get CONFIG name",
  "kv get CONFIG name --raw",
  "kv get CONFIG none --raw",
  "kv get CONFIG name --revision 1 --raw",
  "kv create CONFIG name three",
  "kv create CONFIG other four",
  "kv update CONFIG name five 2",
  "kv update CONFIG name six 2",
  "kv del CONFIG name -f",
  "kv get CONFIG name",
  "kv create CONFIG name again",
  "kv purge CONFIG name -f",
  "kv info CONFIG",
  "kv ls",
  "server check kv --bucket CONFIG",
  "server check kv --bucket CONFIG --key name",
  "server check kv --bucket NONE",
  "server check stream --stream ORDERS",
  "server check stream --stream ORDERS --msgs-warn 1 --msgs-critical 2",
  "server check stream --stream NONE",
  "server check jetstream",
  "account info",
  "kv del CONFIG -f",
  "stream rm COPY -f",
];

/** With a user of the system account, after the others. */
const SYSTEM_COMMANDS: readonly string[] = [
  "server report jetstream",
  "server report jetstream --account A0",
  "server report jetstream --json",
  "server report accounts A0",
  "server request jetstream --all",
  "server request jetstream --account A0 --streams --config",
  "server check jetstream",
  "account info",
  "stream ls",
  "stream add NONE --subjects none --defaults",
];

/** What differs between two servers or two runs. */
const REPLACEMENTS: readonly (readonly [pattern: RegExp, by: string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)?/g, "<time>"],
  [/\b\d\d:\d\d:\d\d\b/g, "<time>"],
  [/\b\d+(\.\d+)?(ns|µs|ms|s)\b/g, "<span>"],
  [/\bN[A-Z2-7]{55}\b/g, "<server>"],
  [/127\.0\.0\.1(:\d+)?/g, "<address>"],
  [/\/tmp\/[\w-]+/g, "<directory>"],
  [/"total": \d+/g, "<total>"],
  // Counts the events of the server, also those without a subscriber in nats-server.
  [/"seq":\d+,"time"/g, "<events>"],
  [/Client ID: .*/g, "<client>"],
  // Differences of configurations have blanks of several kinds, in random order.
  [/[\u00a0\t ]+/g, " "],
  [/[─╌]+/g, "─"],
];

async function outputs(kind: ServerKind): Promise<string[]> {
  await using server = await TestedServer.start(kind, ["enabled"]);
  using cli = new NatsCli(`nats://A0:A0@127.0.0.1:${server.port}`);
  using systemCli = new NatsCli(`nats://SYS:SYS@127.0.0.1:${server.port}`);
  const results: string[] = [];
  for (const command of COMMANDS) results.push(`${command}\n${textOf(await cli.run(...command.split(" ")))}`);
  for (const command of SYSTEM_COMMANDS) results.push(`${command} (system)\n${textOf(await systemCli.run(...command.split(" ")))}`);
  return results;
}

function textOf({ errors, output, status }: CliResult): string {
  return REPLACEMENTS.reduce((text, [pattern, by]) => text.replace(pattern, by), `status ${status}\n${output}\n${errors}`);
}

needs(["nats-server", "nats"], () => {
  test("commands of nats for streams and buckets print what they print with nats-server", async () => {
    const [ours, theirs] = await Promise.all([outputs("ours"), outputs("nats-server")]);
    expect(ours).toEqual(theirs);
  }, 120_000);

  test("nats bench js pub: every message is stored", async () => {
    await using server = await TestedServer.start("ours", ["enabled"]);
    using cli = new NatsCli(`nats://A0:A0@127.0.0.1:${server.port}`);
    // `--create` asks for a stream that allows atomic batches.
    await cli.run("stream", "add", "benchstream", "--subjects", "load", "--defaults");
    await cli.run("stream", "add", "second", "--subjects", "other", "--storage", "memory", "--defaults");
    for (const words of [
      ["sync", "load", "--clients", "4"],
      ["async", "load", "--clients", "2", "--purge"],
      ["async", "other", "--stream", "second", "--dedup"],
    ]) {
      const { errors, status } = await cli.run("bench", "js", "pub", ...words, "--msgs", "2000", "--size", "128", "--no-progress");
      expect({ status, errors }, words.join(" ")).toEqual({ status: 0, errors: expect.not.stringContaining("error") });
    }
    for (const stream of ["benchstream", "second"]) {
      const { output } = await cli.run("stream", "info", stream, "--json");
      expect((JSON.parse(output) as { state: { messages: number } }).state.messages, stream).toBe(2_000);
    }
  }, 120_000);
});
