/** The program's name in file names: that of the link it was started by, for the script and for the compiled binary. */
import { expect, test } from "bun:test";
import { readdirSync, symlinkSync } from "node:fs";
import { NATS_VERSION } from "../../src/wire/protocol/version.ts";
import { MAIN, outcomeOf, PROGRAM, RunningProgram, TemporaryDirectory } from "./program.ts";

async function nameOf(command: readonly string[]): Promise<string> {
  using directory = new TemporaryDirectory();
  const program = await RunningProgram.start([...command, "-a", "127.0.0.1", "--ports_file_dir", directory.path]);
  try {
    return readdirSync(directory.path)[0].replace(`_${program.pid}.ports`, "");
  } finally {
    await program.stop();
  }
}

test("the script is named after its link, and nats-server without a link", async () => {
  using directory = new TemporaryDirectory();
  for (const name of ["bunats", "nats-server"]) {
    symlinkSync(MAIN, directory.join(name));
    expect(await nameOf([process.execPath, directory.join(name)])).toBe(name);
  }
  expect(await nameOf([process.execPath, "run", MAIN])).toBe("nats-server");
});

test("the compiled binary is named after its link too, and needs no other file", async () => {
  using directory = new TemporaryDirectory();
  const binary = directory.join("bunats");
  const built = await outcomeOf([process.execPath, "build", "--compile", MAIN, "--outfile", binary]);
  expect(built.status, built.err).toBe(0);
  symlinkSync("bunats", directory.join("nats-server"));
  expect(await nameOf([binary])).toBe("bunats");
  expect(await nameOf([directory.join("nats-server")])).toBe("nats-server");
  const program = await RunningProgram.start([binary, "-a", "127.0.0.1"]);
  try {
    const { status, err } = await outcomeOf([...PROGRAM, "--signal", `reopen=${program.pid}*`]); // sent by the script
    expect({ status, err }).toEqual({ status: 0, err: "" });
    await program.line("File log re-open ignored");
  } finally {
    await program.stop();
  }
  for (const name of ["nats-server", "bunats"]) {
    expect(await outcomeOf([directory.join(name), "-v"])).toEqual({ status: 0, out: `nats-server: v${NATS_VERSION}\n`, err: "" });
  }
});
