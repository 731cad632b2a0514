/** The programs in README.md and docs/library.md do what the pages say, where the package is installed. test/library/package.test.ts checks types. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** The TypeScript of a page, block by block. */
function programsOf(page: string): string[] {
  return [...readFileSync(join(root, page), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program!);
}

/** Runs `main` in a project that has the package and the official client installed. */
function run(files: Record<string, string>, main: string): { stdout: string; stderr: string; exitCode: number } {
  const directory = mkdtempSync(join(tmpdir(), "bunats-documented-"));
  try {
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(root, join(directory, "node_modules/bunats"));
    symlinkSync(join(root, "node_modules/@nats-io"), join(directory, "node_modules/@nats-io"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "run", main], { cwd: directory });
    return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("the example of the README runs where the package is installed", () => {
  const example = programsOf("README.md").find(program => program.startsWith("import "))!;
  expect(run({ "example.ts": example }, "example.ts")).toEqual({ stdout: "orders.created one\n", stderr: "", exitCode: 0 });
});

test("the official client works over server.connect() as docs/library.md shows it", () => {
  const programs = programsOf("docs/library.md");
  const named = (name: string) => programs.find(program => program.startsWith(`// ${name}\n`))!;
  const files = { "nats-inside.ts": named("nats-inside.ts"), "main.ts": named("main.ts") };
  expect(run(files, "main.ts")).toEqual({ stdout: "hello world\n", stderr: "", exitCode: 0 });
});

test("a message is stored and read as docs/library.md shows it, and nothing stays behind", () => {
  const program = programsOf("docs/library.md").find(text => text.startsWith("// stored.ts\n"))!;
  const after = 'import { existsSync } from "node:fs";\nconsole.log(existsSync(storeDirectory));\n';
  expect(run({ "stored.ts": `${program}${after}` }, "stored.ts")).toEqual({
    stdout: "orders.created one\nfalse\n",
    stderr: "",
    exitCode: 0,
  });
});

test("a connection without a socket answers as docs/library.md shows it", () => {
  const program = programsOf("docs/library.md").find(text => text.startsWith("const connection"))!;
  const before = 'import { NatsServer } from "bunats";\nawait using server = await NatsServer.start({ port: 0 });\n';
  const after = 'connection.write("END\\r\\n");\nawait new Promise<void>(resolve => (connection.onClose = resolve));\n';
  const { stdout, exitCode } = run({ "main.ts": `${before}${program}${after}` }, "main.ts");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^INFO \{.*\}\s*\r\nPONG\r\n-ERR 'Unknown Protocol Operation'\r\n$/);
});
