/** Runs the program as a child process: its output and its exit status. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const MAIN = join(import.meta.dir, "../../src/main.ts");
/** Command of the program with the Bun that runs the tests, which need not be on the PATH. */
export const PROGRAM: readonly string[] = [process.execPath, MAIN];
/** Time limit for an expected line and for an expected exit. */
const TIMEOUT_MS = 60_000;
const READY = "Server is ready";

export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program until it exits by itself. */
export async function outcomeOf(command: readonly string[]): Promise<Outcome> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS });
  const [out, err, status] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { status, out, err };
}

/** A server that runs until a signal. `stop` kills it. */
export class RunningProgram {
  private log = "";
  private wake = Promise.withResolvers<void>();
  private ended = false;

  private constructor(private readonly child: Bun.Subprocess<"ignore", "ignore", "pipe">) {}

  /** Starts a server. Resolves when it has logged that it is ready. @param command program and arguments; `-p -1` is added */
  static async start(command: readonly string[]): Promise<RunningProgram> {
    const child = Bun.spawn([...command, "-p", "-1"], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const program = new RunningProgram(child);
    void program.read();
    try {
      await program.line(READY);
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Port of the client listener, as logged. */
  get port(): number {
    return Number(/Listening for client connections on .*:(\d+)$/m.exec(this.log)![1]);
  }

  /** Everything logged so far, without pid and time. */
  get lines(): string[] {
    return this.log
      .trimEnd()
      .split("\n")
      .map(line => line.replace(/^\[\d+\] (?:[\d/]+ [\d:.]+ )?/, ""));
  }

  /** Everything logged so far. */
  get text(): string {
    return this.log;
  }

  /** Waits for a line with this text. */
  async line(text: string): Promise<void> {
    await this.until(
      () =>
        this.log
          .split("\n")
          .slice(0, -1)
          .some(line => line.includes(text)),
      `line with "${text}"`,
    );
  }

  /** Waits for a matching line with index `first` or higher. @returns all lines from `first` on */
  async linesUntil(pattern: RegExp, first: number): Promise<string[]> {
    await this.until(() => this.log.endsWith("\n") && this.lines.slice(first).some(line => pattern.test(line)), `line like ${pattern}`);
    return this.lines.slice(first);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Waits for its exit. @returns the exit status; null when a signal ended it */
  async status(): Promise<number | null> {
    await this.until(() => this.ended, "end");
    await this.child.exited;
    return this.child.exitCode;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  private async read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.child.stderr) {
      this.log += decoder.decode(chunk, { stream: true });
      this.wakeUp();
    }
    this.ended = true;
    this.wakeUp();
  }

  private wakeUp(): void {
    this.wake.resolve();
    this.wake = Promise.withResolvers<void>();
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no ${what} within ${TIMEOUT_MS} ms; logged:\n${this.log}`)), TIMEOUT_MS);
    try {
      while (!condition()) {
        if (this.ended) throw new Error(`the program ended with no ${what}; logged:\n${this.log}`);
        await Promise.race([this.wake.promise, late]);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A directory that is removed at the end of its `using` block. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "bunats-cli-"));

  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
