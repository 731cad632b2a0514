/** Finds the reference; starts and stops the servers that are compared. */
import { closeSync, existsSync, openSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { STORE_THREADS } from "../../src/base/runtime/thread-pool.ts";
import { OUT_DIRECTORY } from "./load.ts";

const REFERENCE_VERSION = "v2.15.3";
const INSTALL = `go install github.com/nats-io/nats-server/v2@${REFERENCE_VERSION}`;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** Time between two attempts to connect to a server that starts. */
const ATTEMPT_MS = 2;
const REPOSITORY = join(import.meta.dir, "../..");

/** Names of the environment variables by which a configuration file knows the ports for monitoring and WebSocket, and the store. */
export const MONITOR_PORT = "BENCH_MONITOR_PORT";
export const WEB_SOCKET_PORT = "BENCH_WEBSOCKET_PORT";
export const STORE_DIRECTORY = "BENCH_STORE_DIRECTORY";

export interface Server {
  port: number;
  /** Ports that a configuration may use by `$BENCH_MONITOR_PORT` and `$BENCH_WEBSOCKET_PORT`. */
  monitor: number;
  webSocketPort: number;
  pid: number;
  /** From the spawn of its process until it greeted a client. */
  startMs: number;
  stop: () => Promise<void>;
  /** Ends it with SIGKILL. */
  kill: () => Promise<void>;
}

/**
 * The reference's path: $NATS_SERVER, `nats-server` on PATH, or where `go install` puts it.
 * @throws Error with the install command when it is missing, of another version, or not the Go program (ours has the same name)
 */
export function findReference(): string {
  const candidates = [process.env.NATS_SERVER, Bun.which("nats-server"), join(homedir(), "go/bin/nats-server")];
  const refused: string[] = [];
  for (const candidate of process.env.NATS_SERVER ? candidates.slice(0, 1) : candidates) {
    if (!candidate || !existsSync(candidate)) continue;
    const path = realpathSync(candidate);
    const complaint = referenceComplaint(path);
    if (complaint === null) return path;
    refused.push(`${path} ${complaint}`);
  }
  throw new Error(`nats-server ${REFERENCE_VERSION} is needed as the reference${refused.map(text => `; ${text}`).join("")}.\n  ${INSTALL}`);
}

function referenceComplaint(path: string): string | null {
  if (!readFileSync(path).includes("\xff Go buildinf:", 0, "latin1")) return "is not a Go program";
  const version = Bun.spawnSync([path, "--version"]).stdout.toString().trim();
  return version === `nats-server: ${REFERENCE_VERSION}` ? null : `says "${version}"`;
}

/** The server that is running, and the directory of its store. The signal handler ends and removes them when this process ends. */
let running: Bun.Subprocess | null = null;
let stored: string | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    running?.kill("SIGKILL");
    if (stored !== null) rmSync(stored, { recursive: true, force: true });
    process.exit(130);
  });
}

/**
 * Starts `command`, in which `{port}` stands for the port, and waits for its INFO. Default settings, one server at a time.
 * @param name names its log in bench/out
 * @param store directory for its streams, which the caller removes; when not set, one that is removed when the server stops
 * @throws Error when it ends or stays silent, with the end of its log
 */
export async function startServer(name: string, command: string, store?: string): Promise<Server> {
  const port = freePort();
  const log = join(OUT_DIRECTORY, `${name}.log`);
  const words = command.replaceAll("{port}", String(port)).split(" ").filter(Boolean);
  const output = openSync(log, "w");
  const [monitor, webSocketPort] = [freePort(), freePort()];
  const directory = store ?? join(OUT_DIRECTORY, `store-${process.pid}`);
  const places = { [MONITOR_PORT]: String(monitor), [WEB_SOCKET_PORT]: String(webSocketPort), [STORE_DIRECTORY]: directory };
  // Our executable sets this itself; run from its sources, it is too late for that.
  const threads = { UV_THREADPOOL_SIZE: String(STORE_THREADS) };
  const env = { ...threads, ...process.env, ...places };
  const spawnedAt = performance.now();
  const child = Bun.spawn(words, { cwd: REPOSITORY, env, stdin: "ignore", stdout: output, stderr: output });
  closeSync(output);
  running = child;
  stored = directory;
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await child.exited;
    clearTimeout(timer);
    running = null;
    if (store === undefined) rmSync(directory, { recursive: true, force: true });
  };
  const [stop, kill] = [() => end("SIGTERM"), () => end("SIGKILL")];
  while (performance.now() - spawnedAt < START_TIMEOUT_MS) {
    if (await greets(port)) return { port, monitor, webSocketPort, pid: child.pid, startMs: performance.now() - spawnedAt, stop, kill };
    if (child.exitCode !== null || child.signalCode !== null) break;
    await Bun.sleep(ATTEMPT_MS);
  }
  await kill();
  throw new Error(`\`${words.join(" ")}\` did not start to serve: ${readFileSync(log, "utf8").slice(-300).trim()}`);
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

/** Whether a NATS server answers on this port. */
async function greets(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, 1_000, false);
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => resolve(bytes.toString("latin1", 0, 5) === "INFO "),
      close: () => resolve(false),
      error: () => resolve(false),
    },
  }).catch(() => null);
  const greeted = socket !== null && (await promise);
  clearTimeout(timer);
  socket?.end();
  return greeted;
}
