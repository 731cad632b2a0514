/** `--signal` without an exact pid: it finds servers of this program, and no other program of the same name. */
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { outcomeOf, PROGRAM, RunningProgram, TemporaryDirectory } from "./program.ts";

/** A prefix of one process id: other servers may run on the machine. */
const reopen = (pid: number) => outcomeOf([...PROGRAM, "--signal", `reopen=${pid}*`]);
const SENT = { status: 0, out: "", err: "" };

test("the signal reaches a server that Bun runs", async () => {
  const program = await RunningProgram.start([...PROGRAM, "-a", "127.0.0.1"]);
  try {
    expect(await reopen(program.pid)).toEqual(SENT);
    await program.line("File log re-open ignored, not a file logger");
  } finally {
    await program.stop();
  }
});

test("another program named nats-server gets no signal", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("nats-server");
  copyFileSync(Bun.which("sleep")!, path);
  const other = Bun.spawn([path, "600"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  try {
    await reopen(other.pid);
    const { status } = await outcomeOf(["kill", "-0", `${other.pid}`]); // SIGUSR1 would have ended it
    expect({ status, ended: other.exitCode, by: other.signalCode }).toEqual({ status: 0, ended: null, by: null });
  } finally {
    other.kill("SIGKILL");
    await other.exited;
  }
});
