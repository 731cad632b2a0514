/**
 * `nats` v0.5.1, the command line tool of the NATS project: looked for in $NATS_CLI, on the PATH and in ~/go/bin.
 * Where it is missing the tests that need it are skipped, with the reason in their names; with CI=true or REQUIRE_REFERENCE=1 they fail.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const VERSION = "v0.5.1";

export interface CliBinary {
  /** Path of the binary, or null when there is none. */
  readonly path: string | null;
  /** Why `path` is null; empty when it is not. */
  readonly missing: string;
}

let found: CliBinary | null = null;

export function findCli(): CliBinary {
  found ??= search();
  return found;
}

function search(): CliBinary {
  const candidates = [process.env.NATS_CLI, Bun.which("nats"), join(homedir(), "go", "bin", "nats")];
  const refused: string[] = [];
  for (const path of candidates) {
    if (!path || !existsSync(path)) continue;
    const text = Bun.spawnSync([path, "--version"]).stdout.toString().trim();
    if (text === VERSION) return { path, missing: "" };
    refused.push(`${path} says "${text}"`);
  }
  return { path: null, missing: refused.length === 0 ? `nats ${VERSION} was not found` : `not nats ${VERSION}: ${refused.join(", ")}` };
}

export interface CliResult {
  readonly output: string;
  readonly errors: string;
  readonly status: number;
}

/** The tool, speaking to one server, with a home of its own: no context of the user's is read or written. */
export class NatsCli implements Disposable {
  private readonly home = mkdtempSync(join(tmpdir(), "bunats-cli-"));
  private readonly running: Bun.Subprocess[] = [];

  constructor(private readonly url: string) {}

  /** Runs a command; settles when it has ended. */
  async run(...words: string[]): Promise<CliResult> {
    const { path, missing } = findCli();
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

  /** Ends whatever still runs. */
  [Symbol.dispose](): void {
    for (const child of this.running) child.kill("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }
}
