/** Output of the program for arguments that start no server, compared with nats-server. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { NATS_VERSION, OWN_VERSION } from "../../src/wire/protocol/version.ts";
import { live } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { outcomeOf, PROGRAM, TemporaryDirectory } from "./program.ts";

const reference = findReference();

test("--version prints the reference's line and nothing else", async () => {
  for (const args of [["--version"], ["-v"], ["version"]]) {
    expect(await outcomeOf([...PROGRAM, ...args])).toEqual({ status: 0, out: `nats-server: v${NATS_VERSION}\n`, err: "" });
  }
});

test("--help prints the flags on standard output", async () => {
  const { status, out, err } = await outcomeOf([...PROGRAM, "--help"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("    -p, --port <port> ");
  expect(out).toEndWith(`\nbunats ${OWN_VERSION} (compatible with nats-server ${NATS_VERSION}, Bun ${Bun.version})\n`);
});

test("flags that are not supported yet are refused by name", async () => {
  for (const args of [
    ["--routes", "x"],
    ["--cluster_name", "c"],
  ]) {
    const { status, out, err } = await outcomeOf([...PROGRAM, ...args]);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/^nats-server: flag -.* is not supported yet \(.+\)\n$/);
    expect(err).toContain(args[0].replace(/=.*/, "").replace(/^-+/, "-"));
  }
});

test("a store directory that cannot be created ends the start with the reason, by flag and by file", async () => {
  using directory = new TemporaryDirectory();
  const taken = directory.join("file");
  writeFileSync(taken, "");
  const file = directory.join("server.conf");
  writeFileSync(file, `port: -1, jetstream { store_dir: "${taken}" }`);
  for (const args of [
    ["-js", "-sd", taken, "-p", "-1"],
    ["-c", file],
  ]) {
    const { err, status } = await outcomeOf([...PROGRAM, ...args]);
    expect(status).toBe(1);
    expect(err).toMatch(/could not create storage directory - ENOTDIR/);
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
  [["--tls"], 1, "nats-server: TLS Server certificate must be present and valid\n"],
  [["--tlscert", "x"], 1, "nats-server: TLS Server private key must be present and valid\n"],
  [
    ["--tlscert", "/no/such/file", "--tlskey", "y"],
    1,
    "nats-server: error parsing X509 certificate/key pair: open /no/such/file: no such file or directory\n",
  ],
  [["-t", "-c", "/no/such/file"], 1, "nats-server: open /no/such/file: no such file or directory\n"],
  [["-t", "-c", "/"], 1, "nats-server: read /: is a directory\n"],
  [["-c", "/no/such/file", "-p", "-1"], 1, "nats-server: open /no/such/file: no such file or directory\n"],
  [["--signal", "stop=a=b"], 1, "nats-server: invalid signal parameters: [b]\n"],
];

for (const [args, status, err] of MISUSES) {
  const title = `${args.join(" ")} exits with status ${status} and the reason`;
  test(`ours: ${title}`, async () => {
    const ours = await outcomeOf([...PROGRAM, ...args]);
    expect({ status: ours.status, err: ours.err }).toEqual({ status, err });
    expect(ours.out !== "").toBe(status === 0); // the help text
  });
  live.test(`reference: ${title}`, async () => {
    const theirs = await outcomeOf([reference.path!, ...args]);
    expect({ status: theirs.status, err: theirs.err }).toEqual({ status, err });
    expect(theirs.out !== "").toBe(status === 0);
  });
}

/** Files, and the output of `-t` for them without the digest. */
const CHECKED: readonly (readonly [what: string, text: string, status: number, err: string])[] = [
  ["a valid file", "port: 4333\n", 0, "nats-server: configuration file $ is valid\n"],
  ["an empty file", "", 1, "nats-server: $: config has no values or is empty\n\n"],
  ["a file that is not in the language", "port: [", 1, "nats-server: Parse error on line 1: "],
  ["a truncated file", "port", 1, "nats-server: config is invalid ($:1:4)\n"],
  ["a field of the wrong type", '\nport: "x"\n', 1, "nats-server: $:2:1: interface conversion: interface {} is string, not int64\n\n"],
  [
    "a file with a warning",
    "ping_interval: 5",
    1,
    'nats-server: $:1:0: invalid use of field "ping_interval": ping_interval should be converted to a duration\n\n',
  ],
  [
    "a warning and an error: the warning comes first",
    "debug: 1\nwrite_deadline: 5",
    1,
    'nats-server: $:2:1: invalid use of field "write_deadline": write_deadline should be converted to a duration\n' +
      "$:1:0: interface conversion: interface {} is int64, not bool\n\n",
  ],
];

for (const [what, text, status, err] of CHECKED) {
  const check = async (program: readonly string[]) => {
    using directory = new TemporaryDirectory();
    const file = directory.join("server.conf");
    writeFileSync(file, text);
    const outcome = await outcomeOf([...program, "-t", "-c", file]);
    const output = outcome.err.replaceAll(file, "$").replace(/ \(sha256:[0-9a-f]{64}\)/, "");
    expect({ status: outcome.status, out: outcome.out }).toEqual({ status, out: "" });
    if (err.endsWith("\n")) expect(output).toBe(err);
    else expect(output).toStartWith(err);
  };
  test(`ours: -t on ${what}`, () => check(PROGRAM));
  live.test(`reference: -t on ${what}`, () => check([reference.path!]));
}
