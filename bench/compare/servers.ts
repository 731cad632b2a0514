/** Finds the reference; starts and stops the servers that are compared. */
import { closeSync, existsSync, openSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { OUT_DIRECTORY } from "./load.ts";

const REFERENCE_VERSION = "v2.15.3";
const INSTALL = `go install github.com/nats-io/nats-server/v2@${REFERENCE_VERSION}`;
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const REPOSITORY = join(import.meta.dir, "../..");

/** Names of the environment variables by which a configuration file knows the ports for monitoring and WebSocket. */
export const MONITOR_PORT = "BENCH_MONITOR_PORT";
export const WEB_SOCKET_PORT = "BENCH_WEBSOCKET_PORT";

export interface Server {
  port: number;
  /** Ports that a configuration may use by `$BENCH_MONITOR_PORT` and `$BENCH_WEBSOCKET_PORT`. */
  monitor: number;
  webSocketPort: number;
  pid: number;
  stop: () => Promise<void>;
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

/** The server that is running. The signal handler ends it when this process ends. */
let running: Bun.Subprocess | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    running?.kill("SIGKILL");
    process.exit(130);
  });
}

/**
 * Starts `command`, in which `{port}` stands for the port, and waits for its INFO. Default settings, one server at a time.
 * @param name names its log in bench/out
 * @throws Error when it ends or stays silent, with the end of its log
 */
export async function startServer(name: string, command: string): Promise<Server> {
  const port = freePort();
  const log = join(OUT_DIRECTORY, `${name}.log`);
  const words = command.replaceAll("{port}", String(port)).split(" ").filter(Boolean);
  const output = openSync(log, "w");
  const [monitor, webSocketPort] = [freePort(), freePort()];
  const env = { ...process.env, [MONITOR_PORT]: String(monitor), [WEB_SOCKET_PORT]: String(webSocketPort) };
  const child = Bun.spawn(words, { cwd: REPOSITORY, env, stdin: "ignore", stdout: output, stderr: output });
  closeSync(output);
  running = child;
  const stop = async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await child.exited;
    clearTimeout(timer);
    running = null;
  };
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; ) {
    if (await greets(port)) return { port, monitor, webSocketPort, pid: child.pid, stop };
    if (child.exitCode !== null || child.signalCode !== null) break;
    await Bun.sleep(20);
  }
  await stop();
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
