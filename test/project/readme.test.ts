/** The README tells the truth about the library: a program that installed the package does what its example does. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test("the example of the README runs where the package is installed", () => {
  const [, example] = /```ts\n(import [\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))!;
  const directory = mkdtempSync(join(tmpdir(), "bunats-library-"));
  try {
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(root, join(directory, "node_modules/bunats"));
    symlinkSync(join(root, "node_modules/@nats-io"), join(directory, "node_modules/@nats-io"));
    writeFileSync(join(directory, "example.ts"), example!);
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "run", "example.ts"], { cwd: directory });
    expect({ stdout: stdout.toString(), stderr: stderr.toString(), exitCode }).toEqual({
      stdout: "orders.created one\n",
      stderr: "",
      exitCode: 0,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
