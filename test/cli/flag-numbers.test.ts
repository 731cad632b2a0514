/**
 * Every numeric flag with negative, small, extreme and malformed values, checked with `-t` as by the reference. Ours also finds numbers that no
 * port has, as docs/differences.md says.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { parseGoInteger } from "../../src/base/go/strconv.ts";
import { checkConfig } from "../../src/cli/check-config.ts";
import { parseCommandLine } from "../../src/cli/command-line.ts";
import { FLAGS } from "../../src/cli/flag-table.ts";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { outcomeOf, TemporaryDirectory } from "./program.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

const FLAG_NAMES = ["-p", "--port", "-m", "--http_port", "-ms", "--https_port", "--profile", "--log_size_limit", "--max_traced_msg_len"];
const INTEGERS = [
  "-2",
  "-1",
  "0",
  "1",
  "65535",
  "65536",
  "2147483648",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775808",
];
const NOTATIONS = ["0x10", "1_000", "007", "+5", "1e3", "1.5", " 1", "", "-"];

const VALUES = [...INTEGERS, ...NOTATIONS];

test("the table below has every numeric flag", () => {
  const names = FLAGS.filter(({ kind, effect }) => kind === "integer" && effect.kind !== "unsupported").flatMap(flag => flag.names);
  expect(FLAG_NAMES.map(name => name.replace(/^-+/, "")).toSorted()).toEqual(names.toSorted());
});

const PORT_FLAGS = FLAG_NAMES.slice(0, 7);
const HTTPS_FLAGS = ["-ms", "--https_port"];
const PORT_MAX = 65_535;

/** Ours refuses it with this text; the reference refuses it when it starts. Null: they agree. */
function oursAlone(flag: string, value: string): string | null {
  const port = parseGoInteger(value);
  if (typeof port !== "number" || !PORT_FLAGS.includes(flag)) return null;
  if (port < -1 || port > PORT_MAX)
    return `nats-server: invalid port ${Math.max(Number.MIN_SAFE_INTEGER, Math.min(port, Number.MAX_SAFE_INTEGER))}`;
  return HTTPS_FLAGS.includes(flag) && port !== 0 ? "nats-server: TLS cert and key required for HTTPS" : null;
}

/** @returns the first line of the answer of `-t` */
function checkOurs(file: string, flag: string, value: string): string {
  const command = parseCommandLine(["-t", "-c", file, flag, value]);
  if (command.kind === "check") return `nats-server: ${checkConfig(command).lines[0]}`;
  return "error" in command ? command.error : command.kind;
}

async function checkTheirs(file: string, flag: string, value: string): Promise<string> {
  const { err } = await outcomeOf([reference.path!, "-t", "-c", file, flag, value]);
  return err.split("\n")[0]!;
}

async function answersOf(check: (file: string, flag: string, value: string) => string | Promise<string>): Promise<Record<string, string>> {
  using directory = new TemporaryDirectory();
  const file = directory.join("nats.conf");
  writeFileSync(file, "port: 4222");
  const answers: Record<string, string> = {};
  for (const flag of FLAG_NAMES) {
    for (const value of VALUES) answers[`${flag} '${value}'`] = (await check(file, flag, value)).replace(directory.path, "<directory>");
  }
  return answers;
}

it.compared("numeric flags are accepted and refused as by the reference", async () => {
  const [ours, theirs] = await askBoth(
    () => answersOf(checkOurs),
    () => answersOf(checkTheirs),
  );
  for (const flag of FLAG_NAMES) {
    for (const value of VALUES) {
      const key = `${flag} '${value}'`;
      const expected = oursAlone(flag, value);
      if (expected === null) continue;
      expect(theirs[key], key).toContain("is valid");
      theirs[key] = expected;
    }
  }
  expect(ours).toEqual(theirs);
});
