/** The unchanged command line tool `nats` prints the same for our server as for the reference. */
import { expect, test } from "bun:test";
import { NatsCli } from "../clients/nats-cli.ts";
import { lookAtBoth } from "../monitor/same-config.ts";
import { findProgram, needs } from "../reference/programs.ts";
import { Recording } from "../reference/recording.ts";
import { CONFIG } from "./config.ts";
import { withoutVariableValues } from "./system-client.ts";

const it = new Recording(import.meta.path);

/** A user and the words of the command. */
const COMMANDS: readonly (readonly [user: string, words: string])[] = [
  ...[
    "server list",
    "server info",
    "server info same",
    "server ping --count 1",
    "server report connections",
    "server report connections --account A --sort in-msgs",
    "server report accounts",
    "server report accounts A",
    "server report cpu",
    "server report mem",
    "server report health",
    "server report jetstream",
    "server report routes",
    "server report gateways",
    "server report leafnodes",
    "server request accounts",
    "server request accounts A",
    "server request connections",
    "server request connections --subscriptions",
    "server request gateways",
    "server request jetstream",
    "server request leafnodes",
    "server request routes",
    "server request statistics",
    "server request subscriptions",
    "server request subscriptions --detail --filter-account A",
    "server request variables",
    "server request health-check",
    "server request expvar",
    "server request raft",
    "server account info A",
    "server check connection",
    "server check server --name same",
    "server config reload same --force",
    "server request kick 999 NOID",
    "account info",
  ].map(words => ["sys", words] as const),
  ...["account info", "account report connections", "account report statistics"].map(words => ["plain", words] as const),
];

/** Lines that differ between the programs or between runs. */
const VARIABLE_LINES = /Go Version|GOMAXPROCS|Configuration Digest|Client ID|CPU Cores|^ *same: |performance data/;

/** The output of a command with placeholders for what differs between two servers: names, ports, times, numbers and column widths. */
function comparableOutput(output: string): unknown {
  const text = output.trim();
  if (text.startsWith("{"))
    return text.split("\n").map(line => (line.startsWith("{") ? withoutRuntime(withoutVariableValues(JSON.parse(line))) : line));
  const lines = text
    .replace(/N[A-Z2-7]{55}/g, "<server>")
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-][\d:]+)?/g, "<time>")
    .replace(/(\d+y)?(\d+d)?(\d+h)?(\d+m)?[\d.]+(µs|ms|ns|s)\b/g, "<duration>")
    .replace(/[\d.,]+ ?([KMG]iB|B)\b/g, "<size>")
    .replace(/[\d.]+/g, "#")
    .replace(/[─═]+/g, "─")
    .split("\n")
    .filter(line => !VARIABLE_LINES.test(line))
    .map(line => line.replace(/\s+/g, " ").trim());
  return lines.filter(line => line !== "").sort(); // the reference prints exports in random order
}

/** Replaces the memory statistics, which differ between Go and Bun, by their types. */
function withoutRuntime(answer: unknown): unknown {
  const { data, ...rest } = answer as { data?: Record<string, unknown> };
  if (data === undefined || !("memstats" in data)) return answer;
  return { ...rest, data: { ...data, memstats: typeof data.memstats, cmdline: Array.isArray(data.cmdline) } };
}

const seen =
  findProgram("nats").path === null
    ? null
    : await it.page("answers", () =>
        lookAtBoth(CONFIG, async server => {
          const outputs = new Map<string, unknown>();
          for (const [user, words] of COMMANDS) {
            using cli = new NatsCli(`nats://127.0.0.1:${server.port}`);
            const { output, errors, status } = await cli.run("--user", user, "--password", "p", ...words.split(" "));
            outputs.set(`${user}: ${words}`, {
              status,
              output: comparableOutput(output),
              errors: comparableOutput(errors.replace(/^\d\d:\d\d:\d\d /gm, "")),
            });
          }
          return Object.fromEntries(outputs);
        }),
      );

needs(["nats"], () => {
  for (const [user, words] of COMMANDS) {
    test(`nats ${words} as ${user} prints the same as with the reference`, () => {
      const [ours, theirs] = seen!.map(outputs => outputs[`${user}: ${words}`]);
      expect(ours).toEqual(theirs);
    });
  }
});
