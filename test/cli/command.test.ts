/** What the program says to arguments that start no server, beside nats-server 2.15.2. */
import { expect, test } from "bun:test";
import { findReference, referenceIsRequired } from "../reference/reference-server.ts";
import { outcomeOf, PROGRAM } from "./program.ts";

const reference = findReference();
const skips = reference.path === null && !referenceIsRequired();
const skipped = skips ? ` (skipped: ${reference.missing})` : "";

test("--version says nats-server's version first, ours on a second line", async () => {
  const { status, out, err } = await outcomeOf([...PROGRAM, "--version"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(/^nats-server: v2\.15\.2\nbunats: v\d+\.\d+\.\d+ \(Bun [\d.]+\)\n$/);
});

test("--help shows the flags on standard output", async () => {
  const { status, out, err } = await outcomeOf([...PROGRAM, "--help"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("    -p, --port <port> ");
});

test("what is not supported yet is refused by name", async () => {
  for (const args of [["-c", "x"], ["-js"], ["--tlscert=x"], ["--routes", "x"], ["-sl", "ldm"], ["-l", "x"], ["--profile=-1"]]) {
    const { status, out, err } = await outcomeOf([...PROGRAM, ...args]);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/^nats-server: flag -.* is not supported yet \(.+\)\n$/);
    expect(err).toContain(args[0].replace(/=.*/, "").replace(/^-+/, "-"));
  }
});

const MISUSES: readonly (readonly [args: string[], status: number, err: string])[] = [
  [["-foo"], 0, "flag provided but not defined: -foo\n"],
  [["-p"], 0, "flag needs an argument: -p\n"],
  [["-p", "abc"], 0, 'invalid value "abc" for flag -p: parse error\n'],
  [["--port=99999999999999999999"], 0, 'invalid value "99999999999999999999" for flag -port: value out of range\n'],
  [["-D=maybe"], 0, 'invalid boolean value "maybe" for -D: parse error\n'],
  [["---p"], 0, "bad flag syntax: ---p\n"],
  [["foo"], 1, 'nats-server: unrecognized command: "foo"\n'],
  [["-"], 1, 'nats-server: unrecognized command: "-"\n'],
  [["-t"], 1, "nats-server: must specify [-c, --config] option to check configuration file syntax\n"],
  [["-n", "a b", "-p", "-1"], 1, "nats-server: server name cannot contain spaces\n"],
];

for (const [args, status, err] of MISUSES) {
  const title = `${args.join(" ")} ends with status ${status} and its reason`;
  test(`ours: ${title}`, async () => {
    const ours = await outcomeOf([...PROGRAM, ...args]);
    expect({ status: ours.status, err: ours.err }).toEqual({ status, err });
    expect(ours.out !== "").toBe(status === 0); // the help text
  });
  test.skipIf(skips)(`reference: ${title}${skipped}`, async () => {
    const theirs = await outcomeOf([reference.path!, ...args]);
    expect({ status: theirs.status, err: theirs.err }).toEqual({ status, err });
    expect(theirs.out !== "").toBe(status === 0);
  });
}
