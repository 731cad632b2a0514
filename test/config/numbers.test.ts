/**
 * Every numeric field with negative, small and extreme values: whether the reference accepts it, at the start and by a reload. Where ours
 * differs, `DIFFERENT` says so. What is accepted must also start.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { checkConfig } from "../../src/cli/check-config.ts";
import { NatsServer } from "../../src/index.ts";
import { outcomeOf, TemporaryDirectory } from "../cli/program.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

const INTEGERS = ["-2", "-1", "0", "1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775808"];
const DURATIONS = ['"-1s"', '"0s"', '"1ns"', '"2562047h47m16.854775807s"', '"2562047h47m16.854775808s"'];
const PERCENTAGES = ["-1", "0", "1", "100", "101", '"101%"', '"-1%"', "9223372036854775807"];

const users = "users: [{ user: a, password: b }]";
const inAccount = (text: string) => `accounts { A { ${users}, ${text} } }`;

/** Fields by name: a configuration in which `$` is the value, and the values. */
const FIELDS: Record<string, readonly [config: string, values: readonly string[]]> = {
  ...Object.fromEntries(
    "max_control_line max_payload max_pending max_connections max_subscriptions max_subscription_tokens ping_max max_closed_clients max_traced_msg_len log_size_limit log_max_num prof_block_rate connect_error_reports reconnect_error_reports"
      .split(" ")
      .map(name => [name, [`${name}: $`, INTEGERS]]),
  ),
  ...Object.fromEntries(
    ["ping_interval", "write_deadline", "lame_duck_duration", "lame_duck_grace_period"].map(name => [name, [`${name}: $`, DURATIONS]]),
  ),
  "authorization.timeout": ["authorization { timeout: $ }", [...DURATIONS.slice(0, 3), "-1", "0", "0.5", "-0.5"]],
  ...Object.fromEntries(
    ["max_connections", "max_subscriptions", "max_payload", "max_leafnodes"].map(name => [
      `accounts.limits.${name}`,
      [inAccount(`limits { ${name}: $ }`), INTEGERS],
    ]),
  ),
  "allow_responses.max": ["authorization { users: [{ user: a, password: b, permissions { allow_responses { max: $ } } }] }", INTEGERS],
  "allow_responses.expires": [
    "authorization { users: [{ user: a, password: b, permissions { allow_responses { expires: $ } } }] }",
    DURATIONS,
  ],
  "websocket.handshake_timeout": ['websocket { listen: "127.0.0.1:-1", no_tls: true, handshake_timeout: $ }', DURATIONS],
  "websocket.ping_interval": ['websocket { listen: "127.0.0.1:-1", no_tls: true, ping_interval: $ }', DURATIONS],
  "mappings.weight": ["mappings { a: [{ destination: b, weight: $ }] }", PERCENTAGES],
  "msg_trace.sampling": [inAccount("msg_trace { dest: d, sampling: $ }"), PERCENTAGES],
  "exports.threshold": [inAccount("exports: [{ service: s, threshold: $ }]"), DURATIONS],
  "exports.account_token_position": [inAccount('exports: [{ service: "s.*", account_token_position: $ }]'), INTEGERS],
  "exports.latency.sampling": [inAccount("exports: [{ service: s, latency { sampling: $, subject: l } }]"), PERCENTAGES],
};

/** Values that ours refuses and the reference accepts, or refuses with another text. docs/differences.md gives the reasons. */
const NEGATIVE = ["-2", "-1", "-9223372036854775808", '"-1s"'];
const DIFFERENT: Record<string, readonly string[]> = {
  max_control_line: NEGATIVE,
  ping_max: NEGATIVE,
  ping_interval: NEGATIVE,
  write_deadline: NEGATIVE,
  "exports.account_token_position": NEGATIVE,
};

const BASE = "port: 4222";

interface Answer {
  readonly start: string;
  readonly reload: string;
}

type Check = (
  directory: TemporaryDirectory,
  configFile: string,
  reloadFile: string | null,
) => Promise<readonly string[]> | readonly string[];

const checkOurs: Check = (_, configFile, reloadFile) =>
  checkConfig({ configFile, options: {}, flagError: null, reloadFile }).lines.map(line => `nats-server: ${line}`);

const checkTheirs: Check = async (_, configFile, reloadFile) => {
  const { err } = await outcomeOf([reference.path!, "-t", "-c", configFile, ...(reloadFile === null ? [] : ["--test_reload", reloadFile])]);
  return err.trimEnd().split("\n");
};

/** Ours keeps integers up to 2^53 and whole milliseconds, so extreme values are shown differently. */
function neutral(lines: string, directory: string): string {
  return lines
    .replaceAll(directory, "<directory>")
    .replace(/: old=.*$/m, "")
    .replace(/-9223372036854775808|-9007199254740991/, "<least>")
    .replace(/2562047h47m16\.85\d+s/, "<longest>");
}

async function answersOf(check: Check): Promise<Record<string, Answer>> {
  using directory = new TemporaryDirectory();
  const base = directory.join("base.conf");
  writeFileSync(base, BASE);
  const answers: Record<string, Answer> = {};
  for (const [name, [config, values]] of Object.entries(FIELDS)) {
    for (const value of values) {
      const file = directory.join("changed.conf");
      writeFileSync(file, `${BASE}\n${config.replace("$", value)}\n`);
      const text = async (lines: ReturnType<Check>) => neutral((await lines).join("\n").trimEnd(), directory.path);
      const start = await text(check(directory, file, null));
      answers[`${name}: ${value}`] = { start, reload: start.includes("is valid") ? await text(check(directory, base, file)) : "" };
    }
  }
  return answers;
}

it.compared(
  "numbers are accepted and refused, at the start and by a reload, as by the reference",
  async () => {
    const [ours, theirs] = await askBoth(
      () => answersOf(checkOurs),
      () => answersOf(checkTheirs),
    );
    for (const [name, values] of Object.entries(DIFFERENT)) {
      for (const value of values) {
        const key = `${name}: ${value}`;
        if (ours[key] === undefined) continue;
        expect(ours[key].start, key).toContain(`${name.split(".").at(-1)} value can not be negative`);
        delete ours[key];
        delete theirs[key];
      }
    }
    expect(ours).toEqual(theirs);
  },
  120_000,
);

test("every number that is valid for -t also starts", async () => {
  using directory = new TemporaryDirectory();
  const file = directory.join("nats.conf");
  for (const [name, [config, values]] of Object.entries(FIELDS)) {
    for (const value of values) {
      writeFileSync(file, config.replace("$", value));
      const valid = checkConfig({ configFile: file, options: {}, flagError: null, reloadFile: null }).status === 0;
      const started = await NatsServer.start({ configFile: file, host: "127.0.0.1", port: 0 }).then(
        server => server.stop().then(() => true),
        () => false,
      );
      expect({ name, value, started: started || !valid }).toEqual({ name, value, started: true });
    }
  }
}, 120_000);

test("a negative max_payload means no limit, in the file and in the library", async () => {
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, payloadBytesMax: -1 });
  const client = await WireConnection.open(server.port, "client");
  expect(Buffer.from(await client.takeLine()).toString()).toContain('"max_payload":-1,');
  const size = 2_000_000;
  await client.write(Buffer.from(`CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a ${size}\r\n${"x".repeat(size)}\r\nPING\r\n`));
  await client.waitFor(Buffer.from("x\r\nPONG"));
  client.terminate();
  await server.stop();
});
