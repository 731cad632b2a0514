/** Signals of a running program: at its start, SIGQUIT, and the log of its end. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { MAIN, PROGRAM, RunningProgram, TemporaryDirectory } from "./program.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

test("a signal that arrives while the program is loaded is handled after that", async () => {
  const preload = join(import.meta.dir, "early-signal.ts");
  const program = await RunningProgram.start([process.execPath, "--preload", preload, MAIN, "-a", "127.0.0.1"]);
  try {
    await program.line("Failed to reload server configuration: can only reload config when a file is provided");
    expect(program.lines.slice(0, 2)).toEqual([
      '[INF] Trapped "hangup" signal',
      "[INF] Server is still starting, config reload will run once startup completes",
    ]);
  } finally {
    await program.stop();
  }
});

test("SIGQUIT writes the stack, the connections, the timers and the memory, and ends with status 2", async () => {
  const program = await RunningProgram.start([...PROGRAM, "-a", "127.0.0.1"]);
  try {
    const client = await WireConnection.open(program.port, "client");
    await client.write(Buffer.from('CONNECT {"verbose":false,"name":"worker"}\r\nSUB a 1\r\nSUB b 2\r\nPING\r\n'));
    await client.waitFor(Buffer.from("PONG"));
    program.signal("SIGQUIT");
    expect(await program.status()).toBe(2);
    const dump = program.text.slice(program.text.indexOf("SIGQUIT"));
    expect(dump).toMatch(
      /^SIGQUIT: quit\nbunats [\d.]+ \(nats-server [\d.]+\), Bun [\d.]+, \w+ \w+, pid \d+\n\nevent loop \[running\]:\n +at /,
    );
    expect(dump).toContain("\nconnections: 1 open, 0 closing\n");
    expect(dump).toMatch(/\n {2}127\.0\.0\.1:\d+ - cid:1 - "worker": 2 subscriptions, 0 bytes pending, in 0 msgs, out 0 msgs\n/);
    expect(dump).toMatch(/\ntimers: \d+\naccounts: 2, subscriptions: \d+\nmemory: rss \d+, heap \d+ of \d+, external \d+, objects \d+\n/);
  } finally {
    await program.stop();
  }
});

/** The log from the signal on, with a client of an account. */
async function endOf(command: readonly string[], signal: NodeJS.Signals): Promise<string[]> {
  using directory = new TemporaryDirectory();
  const file = directory.join("nats.conf");
  writeFileSync(file, `accounts { A { users: [{ user: a, password: a }] } }, no_auth_user: a, http: "127.0.0.1:-1"`);
  const program = await RunningProgram.start([...command, "-c", file, "-a", "127.0.0.1", "-D"]);
  try {
    const client = await WireConnection.open(program.port, "client");
    await client.write(Buffer.from('CONNECT {"verbose":false}\r\nPING\r\n'));
    await client.waitFor(Buffer.from("PONG"));
    program.signal(signal);
    if (signal === "SIGUSR2") {
      await program.line("Entering lame duck mode");
      program.signal("SIGTERM");
      await program.line("terminated");
      program.signal("SIGINT");
    }
    expect(await program.status()).toBe(0);
    const lines = program.lines.slice(program.lines.findIndex(line => line.includes("Trapped")));
    return lines.filter(line => !line.includes("SYSTEM")).map(line => line.replace(/127.0.0.1:\d+ - cid:\d+/, "<client>"));
  } finally {
    await program.stop();
  }
}

for (const signal of ["SIGTERM", "SIGUSR2"] as const) {
  it.compared(`a server that ends after ${signal} closes its clients before it logs that it shuts down`, async () => {
    const [ours, theirs] = await askBoth(
      () => endOf(PROGRAM, signal),
      () => endOf([reference.path!], signal),
    );
    expect(ours).toEqual(theirs);
  });
}
