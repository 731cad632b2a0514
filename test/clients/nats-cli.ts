/** `nats`, the command line tool of the NATS project, for tests that run it against a server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../reference/programs.ts";

export interface CliResult {
  readonly output: string;
  readonly errors: string;
  readonly status: number;
}

/** The tool for one server, with a temporary home directory: contexts of the user are neither read nor written. */
export class NatsCli implements Disposable {
  private readonly home = mkdtempSync(join(tmpdir(), "bunats-cli-"));
  private readonly running: Bun.Subprocess[] = [];

  constructor(private readonly url: string) {}

  /** Runs a command. Resolves when it has ended. */
  async run(...words: string[]): Promise<CliResult> {
    const { path, missing } = findProgram("nats");
    if (path === null) throw new Error(missing);
    const child = Bun.spawn([path, "--server", this.url, "--no-context", ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { PATH: process.env.PATH ?? "", HOME: this.home, XDG_CONFIG_HOME: this.home },
    });
    this.running.push(child);
    const [output, errors, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { output, errors, status };
  }

  /** Ends all commands that still run. */
  [Symbol.dispose](): void {
    for (const child of this.running) child.kill("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }
}
