/** Which processes are found, in a made-up /proc. */
import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TemporaryDirectory } from "../../test/cli/program.ts";
import { serverProcesses } from "./server-processes.ts";

const MAIN = join(import.meta.dir, "../main.ts");
/** An executable that includes the file with the mark. */
const MARKED = await Bun.file(join(import.meta.dir, "server-processes.ts")).text();

class Processes implements Disposable {
  private readonly directory = new TemporaryDirectory();
  private readonly proc = this.directory.join("proc");

  constructor() {
    mkdirSync(this.proc);
  }

  file(name: string, content: string | Buffer): string {
    const path = this.directory.join(name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  link(name: string, target: string): string {
    symlinkSync(target, this.directory.join(name));
    return this.directory.join(name);
  }

  run(pid: number, executable: string | null, words: readonly string[], cwd = "/"): void {
    mkdirSync(join(this.proc, String(pid)));
    writeFileSync(join(this.proc, String(pid), "cmdline"), words.map(word => `${word}\0`).join(""));
    if (executable !== null) symlinkSync(executable, join(this.proc, String(pid), "exe"));
    symlinkSync(cwd, join(this.proc, String(pid), "cwd"));
  }

  found(): number[] | null {
    return serverProcesses(this.proc);
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

test("the executable is found under either name, also when it was replaced or hides itself", () => {
  using system = new Processes();
  const ours = system.file("ours/nats-server", MARKED);
  const renamed = system.file("bin/bunats", Buffer.concat([Buffer.alloc(9_000_000), Buffer.from(MARKED), Buffer.alloc(5_000_000)]));
  system.run(42, ours, ["nats-server", "-c", "x"]);
  system.run(7, renamed, ["bunats"]);
  system.run(8, `${renamed} (deleted)`, ["bunats"]);
  system.run(9, null, [renamed, "-p", "-1"]);
  expect(system.found()).toEqual([7, 8, 9, 42]);
});

test("a Bun that runs main.ts is found, by its path, a link or a relative path", () => {
  using system = new Processes();
  const bun = system.file("tools/bun", "Bun");
  const link = system.link("bunats", MAIN);
  system.run(1, bun, ["bun", MAIN, "-p", "-1"]);
  system.run(2, bun, ["bun", "run", "src/main.ts"], join(import.meta.dir, "../.."));
  system.run(3, bun, ["bun", "--smol", "run", "--silent", link]);
  system.run(4, bun, ["bun", "bunats"], join(link, ".."));
  expect(system.found()).toEqual([1, 2, 3, 4]);
});

test("another program is never found: a Go server, another main.ts, another Bun command, a process without an executable", () => {
  using system = new Processes();
  const bun = system.file("tools/bun", "Bun");
  const foreign = system.file("foreign/src/main.ts", "");
  system.file("foreign/package.json", '{"name": "nats-server"}');
  system.run(1, system.file("go/nats-server", "\xff Go buildinf:"), ["nats-server"]);
  system.run(2, bun, ["bun", foreign]);
  system.run(3, bun, ["bun", "test", MAIN]);
  system.run(4, bun, ["bun"]);
  system.run(5, system.file("bin/editor", MARKED), ["editor", MAIN]);
  system.run(6, null, []);
  system.run(7, null, ["nats-server"]);
  system.run(8, bun, ["bun", "src/main.ts"], "/no/such/directory");
  expect(system.found()).toEqual([]);
});
