/** Compiles the load generator and runs it: against a server, or against its own relay. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";

export const OUT_DIRECTORY = join(import.meta.dir, "../out");
export const LOAD_BINARY = join(OUT_DIRECTORY, "load");
const SOURCES = [
  "load.c",
  "bystander.c",
  "get.c",
  "login.c",
  "mailbox.c",
  "poll.c",
  "relay.c",
  "stream.c",
  "tls.c",
  "websocket.c",
  "wire.c",
].map(name => join(import.meta.dir, name));
const HEADERS = ["wire.h", "stream.h"].map(name => join(import.meta.dir, name));
const RUN_TIMEOUT_MS = 30_000;

/** Options of a run of the generator; load.c has the defaults. */
export interface LoadOptions {
  size?: number;
  publishers?: number;
  subscribers?: number;
  subjects?: number;
  queue?: 1;
  /** Requests, logins, or requests to the monitoring port, in flight at once. */
  inFlight?: number;
  connections?: number;
  /** Messages of all publishers together, or requests of any kind, or logins. */
  messages?: number;
  /** Connections use TLS. */
  tls?: 1;
  /** Connections of publishers and subscribers are WebSockets. */
  webSocket?: 1;
  /** The server refuses what is published. */
  refused?: 1;
  /** A bystander's PINGs are measured during the run, see bystander.c. */
  bystander?: 1;
  /** Credentials of publishers and the requester; none when not set. */
  publisherUser?: string;
  publisherPassword?: string;
  /** Credentials of subscribers and the responder. */
  subscriberUser?: string;
  subscriberPassword?: string;
  /** Requests go from one account to another. */
  imported?: 1;
  /** Path of the file of users that log in; see login.c. */
  users?: string;
  /** Streams that the publishers share; see stream.c, which explains the next five, too. */
  streams?: number;
  memory?: 1;
  s2?: 1;
  keyValue?: 1;
  messageIds?: 1;
  /** Messages per second to a stream beside the run. */
  busy?: number;
  /** Messages of one direct get, and of the stream that it reads; see get.c. Without them keys are got. */
  batch?: number;
  stored?: number;
  /** Messages before the measurement; a third of `messages` when not set. */
  warmup?: number;
}

/** What one run of the generator does. */
interface LoadRun {
  readonly role: string;
  readonly options: LoadOptions;
  /** The server's settings, as far as the generator must know them. */
  readonly configuration?: { readonly load?: LoadOptions };
}

/** Results of one run. Fields that the role does not measure are 0. */
export interface Sample {
  seconds: number;
  /** Messages published, or requests of any kind, or logins. */
  messages: number;
  /** Messages received by all subscribers together. */
  deliveries: number;
  /** Deliveries per second; logins per second. */
  rate: number;
  /** User and system time of the server during the measurement. */
  cpuSeconds: number;
  p50Us: number;
  p99Us: number;
  /** Longest wait of the bystander's PINGs; p50 and p99 are its waits, too. */
  maxUs: number;
  /** The server's resident memory before the idle connections, and with them. */
  rssBeforeBytes: number;
  rssBytes: number;
  /** From the spawn of a server with a filled store until a client is greeted; see start-up.ts. */
  startMs?: number;
  killedStartMs?: number;
}

/** A run without a result: a message was lost or was delivered twice, a connection closed, or it took too long. The text says which. */
export interface Failure {
  error: string;
}

/** @throws Error when there is no C compiler, or it reports an error */
export function compileLoad(): void {
  const newest = Math.max(...[...SOURCES, ...HEADERS].map(path => statSync(path).mtimeMs));
  if (existsSync(LOAD_BINARY) && statSync(LOAD_BINARY).mtimeMs > newest) return;
  const compiler = Bun.which("cc");
  if (compiler === null)
    throw new Error("the load generator is C and there is no `cc` on PATH: install a C compiler (apt-get install gcc)");
  mkdirSync(OUT_DIRECTORY, { recursive: true });
  const tls = existsSync("/usr/include/openssl/ssl.h") ? ["-DLOAD_TLS", "-lssl", "-lcrypto"] : [];
  const run = Bun.spawnSync([compiler, "-O2", "-std=gnu11", "-Wall", "-o", LOAD_BINARY, ...SOURCES, ...tls]);
  if (run.exitCode !== 0) throw new Error(`the load generator does not compile:\n${run.stderr}`);
}

/** `scale` shortens the run. A third of the messages are sent first as a warm-up. */
function loadArguments({ options, configuration }: LoadRun, scale: number, timeoutMs = RUN_TIMEOUT_MS): string[] {
  const publishers = options.publishers ?? 1;
  const share = (total: number) => Math.max(1, Math.round((total * scale) / publishers)) * publishers;
  const messages = share(options.messages ?? 0);
  const warmup = options.warmup ?? share(messages / 3 / scale);
  const values = { ...options, ...configuration?.load, messages, warmup, timeoutMs };
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}

/** @param timeoutMs for the whole run, including connecting and warm-up; a longer run is a failure */
export async function measure(
  workload: LoadRun,
  server: { port: number; monitor?: number; webSocketPort?: number; pid: number },
  scale: number,
  timeoutMs = RUN_TIMEOUT_MS,
): Promise<Sample | Failure> {
  const { port, monitor = 0, webSocketPort = 0, pid } = server;
  const place = [`port=${port}`, `monitor=${monitor}`, `webSocketPort=${webSocketPort}`, `pid=${pid}`];
  const load = Bun.spawn([LOAD_BINARY, workload.role, ...place, ...loadArguments(workload, scale, timeoutMs)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await load.stdout.text();
  await load.exited;
  return text === "" ? { error: `the load generator ended with ${load.signalCode ?? load.exitCode}` } : JSON.parse(text);
}

/** The command that starts the relay in place of a server, for this workload. */
export function relayCommand(workload: LoadRun): string {
  return [LOAD_BINARY, "relay", "port={port}", ...loadArguments(workload, 1)].join(" ");
}
