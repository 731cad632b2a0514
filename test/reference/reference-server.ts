/**
 * nats-server, the released Go server, started for a test that compares ours with it. `make reference` installs it.
 *
 * It is searched in $NATS_SERVER, on the PATH and in ~/go/bin, and used only when its version is exactly the one in versions.txt. An earlier
 * version, whose store directories are compared, is called nats-server-2.15.2.
 * Our own executable may have the same name and prints the same version, so the file must also be a Go program.
 * Without it tests compare with its recorded answers (recording.ts). With CI=true or REQUIRE_REFERENCE=1 a missing reference fails
 * them, so that a green run in CI has really compared.
 *
 * The server chooses free ports itself (-1) and writes them to a ports file, so no log lines are parsed here.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Version of a program in versions.txt, such as `v2.15.3`. */
export function pinnedVersion(program: string): string {
  const lines = readFileSync(join(import.meta.dir, "versions.txt"), "utf8").split("\n");
  return lines.find(line => line.startsWith(`${program} `))!.split(" ")[2]!;
}

/** Version of nats-server, such as `2.15.3`. */
export const REFERENCE_VERSION = pinnedVersion("nats-server").slice(1);
/** The version before it. */
export const EARLIER_VERSION = "2.15.2";
/** Time limit for a start, which takes about 50 ms, and for a reload. */
const START_TIMEOUT_MS = 60_000;

export interface ReferenceBinary {
  /** Path of the binary, or null when there is none. */
  readonly path: string | null;
  /** Why `path` is null; empty when it is not. */
  readonly missing: string;
}

/** Finds the reference once per process. Never throws; `referenceIsRequired` says whether a missing one is an error. */
export function findReference(version = REFERENCE_VERSION): ReferenceBinary {
  let binary = found.get(version);
  if (binary === undefined) {
    binary = search(version);
    found.set(version, binary);
  }
  return binary;
}

/** True where a missing reference must fail the tests instead of skipping them. */
export function referenceIsRequired(): boolean {
  return process.env.CI === "true" || process.env.REQUIRE_REFERENCE === "1";
}

const found = new Map<string, ReferenceBinary>();

function search(version: string): ReferenceBinary {
  const program = version === REFERENCE_VERSION ? "nats-server" : `nats-server-${version}`;
  const candidates = [process.env.NATS_SERVER, Bun.which(program), join(homedir(), "go", "bin", program)];
  const refused: string[] = [];
  for (const path of candidates) {
    if (!path || !existsSync(path)) continue;
    if (!readFileSync(path).includes("\xff Go buildinf:", 0, "latin1")) {
      refused.push(`${path} is not a Go program`);
      continue;
    }
    const { stdout, exitCode } = Bun.spawnSync([path, "--version"]);
    const text = stdout.toString().trim();
    if (exitCode === 0 && text === `nats-server: v${version}`) return { path, missing: "" };
    refused.push(`${path} says "${text}"`);
  }
  const name = `nats-server ${version}`;
  const missing = refused.length === 0 ? `${name} was not found` : `not ${name}: ${refused.join(", ")}`;
  return { path: null, missing };
}

/** A running reference server on 127.0.0.1. `stop` ends its process and removes its directory. */
export class ReferenceServer {
  private constructor(
    private readonly process: Bun.Subprocess<"ignore", "ignore", Bun.BunFile>,
    private readonly directory: string,
    /** Port of the client listener. */
    readonly port: number,
    /** Port of the monitoring listener. */
    readonly monitorPort: number,
    /** Port of the WebSocket listener; 0 without one. */
    readonly websocketPort: number,
  ) {}

  /**
   * Starts a server and returns once it listens.
   * @param config text in nats-server's configuration language, without ports: they are added here
   * @param version as `findReference`
   * @throws when there is no reference, or when it exits, with what it logged
   */
  static async start(config = "", version = REFERENCE_VERSION): Promise<ReferenceServer> {
    const { path, missing } = findReference(version);
    if (path === null) throw new Error(missing);
    const directory = mkdtempSync(join(tmpdir(), "bunats-reference-"));
    const configFile = join(directory, "server.conf");
    const logFile = join(directory, "server.log");
    writeFileSync(configFile, fileText(directory, config));
    const child = Bun.spawn([path, "-c", configFile], { stdin: "ignore", stdout: "ignore", stderr: Bun.file(logFile) });
    try {
      const { nats, monitoring, websocket } = await portsOf(child, directory, logFile);
      return new ReferenceServer(child, directory, portIn(nats), portIn(monitoring), websocket === undefined ? 0 : portIn(websocket));
    } catch (error) {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Replaces the configuration and reloads it. Resolves when the server has logged the result.
   * @throws with the log line when it refuses the new one
   */
  async reload(config: string): Promise<void> {
    const count = () => this.log().match(/Reloaded server configuration|Failed to reload/g)?.length ?? 0;
    const before = count();
    writeFileSync(join(this.directory, "server.conf"), fileText(this.directory, config));
    this.process.kill("SIGHUP");
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (count() === before) {
      if (performance.now() > deadline) throw new Error(`nats-server did not reload:\n${this.log()}`);
      await Bun.sleep(2); // the poll interval of a condition: a log has no event to wait for
    }
    const last = this.log()
      .match(/Failed to reload .*/g)
      ?.at(-1);
    if (last !== undefined) throw new Error(last);
  }

  /** What the server logged so far. */
  log(): string {
    return readFileSync(join(this.directory, "server.log"), "utf8");
  }

  /** @param signal `SIGTERM` for an orderly end, which tests need only for what the server leaves on the disk */
  async stop(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    this.process.kill(signal);
    await this.process.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function fileText(directory: string, config: string): string {
  return `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nports_file_dir: "${directory}"\n${config}\n`;
}

interface PortsFile {
  readonly nats: readonly string[];
  readonly monitoring: readonly string[];
  readonly websocket?: readonly string[];
}

async function portsOf(child: Bun.Subprocess, directory: string, logFile: string): Promise<PortsFile> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const name = readdirSync(directory).find(entry => entry.endsWith(".ports"));
    const text = name === undefined ? "" : readFileSync(join(directory, name), "utf8");
    if (text.trimEnd().endsWith("}")) return JSON.parse(text) as PortsFile; // the server writes it in place, so wait for its end
    if (child.exitCode !== null) throw new Error(`nats-server exited with ${child.exitCode}:\n${readFileSync(logFile, "utf8")}`);
    await Bun.sleep(5); // the poll interval of a condition: the file has no event to wait for
  }
  throw new Error(`nats-server wrote no ports file within ${START_TIMEOUT_MS} ms:\n${readFileSync(logFile, "utf8")}`);
}

function portIn(urls: readonly string[]): number {
  return Number(new URL(urls[0]!).port);
}
