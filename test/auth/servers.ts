/**
 * Our server and nats-server with the same configuration, and what each of them makes of the same clients.
 *
 *   attempt ─▶ INFO ─▶ (TLS) ─▶ CONNECT ─▶ PONG, or the end ─▶ /connz: who it is, or why it was closed
 */
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { SILENT } from "../../src/base/log/silent-logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { loadConfigText } from "../../src/config/schema/load-config.ts";
import { Server } from "../../src/server/process/server.ts";
import { until } from "../faults/until.ts";
import { askBoth } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { type PeerTls, SecurePeer } from "../tls/secure-peer.ts";
import { BINARY, frame, RawClient } from "../websocket/raw-client.ts";

const PATIENCE_MS = 60_000;

export interface RunningServer {
  readonly port: number;
  readonly monitorPort: number;
  readonly websocketPort: number;
  stop(): Promise<void>;
}

/** Our server on free ports of 127.0.0.1, by a configuration without ports. */
export function startOurs(config: string): RunningServer {
  const options = { ...loadConfigText(config, {}).options, host: "127.0.0.1", port: 0, httpHost: "127.0.0.1", httpPort: 0 };
  const server = new Server(completeOptions(options), { log: SILENT, clock: SYSTEM_CLOCK });
  server.start();
  return { port: server.port, monitorPort: server.monitorPort!, websocketPort: server.websocketPort ?? 0, stop: () => server.stop() };
}

/** Does the same with both, and returns what either gave: ours, then theirs. */
export async function withBoth<T>(config: string, play: (server: RunningServer) => Promise<T>): Promise<[T, T]> {
  const playOn = async (server: RunningServer) => {
    try {
      return await play(server);
    } finally {
      await server.stop();
    }
  };
  return askBoth(
    () => playOn(startOurs(config)),
    async () => playOn(await ReferenceServer.start(config)),
    { inTurn: true },
  );
}

/** What a CONNECT says, given the nonce that INFO carried. */
export type Credentials = (nonce: string) => Record<string, unknown>;

export interface Attempt {
  readonly by?: "tcp" | "websocket";
  readonly tls?: PeerTls;
  readonly connect: Record<string, unknown> | Credentials;
}

export interface Outcome {
  /** INFO says that credentials are needed. */
  readonly authRequired: boolean;
  readonly hasNonce: boolean;
  /** Lines between CONNECT and PONG, or until the end. */
  readonly lines: readonly string[];
  /** Of one that is in; empty: nobody in particular. */
  readonly user: string;
  readonly account: string;
  /** Why it was closed; empty: it is in. */
  readonly closed: string;
  /** Key of the proxy of one that is in; empty: none. */
  readonly proxy: string;
}

let lastName = 0;

/** Makes one connection, and tells how it ended. */
export async function outcomeOf(server: RunningServer, attempt: Attempt): Promise<Outcome> {
  const name = `attempt-${++lastName}`;
  const line = (nonce: string) => {
    const connect = typeof attempt.connect === "function" ? attempt.connect(nonce) : attempt.connect;
    return `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, protocol: 1, name, ...connect })}\r\nPING\r\n`;
  };
  const { info, lines, ended, end } = await (attempt.by === "websocket" ? byWebSocket(server, line) : byTcp(server, attempt, line));
  try {
    return { authRequired: info.auth_required === true, hasNonce: "nonce" in info, lines, ...(await shown(server, name, ended)) };
  } finally {
    end();
  }
}

interface Conversation {
  readonly info: Record<string, unknown>;
  readonly lines: readonly string[];
  readonly ended: boolean;
  end(): void;
}

async function byTcp(server: RunningServer, { tls }: Attempt, line: (nonce: string) => string): Promise<Conversation> {
  const peer = await SecurePeer.open(server.port);
  const info = await peer.info();
  if (tls !== undefined) await peer.secure(tls);
  await peer.write(line(String(info.nonce ?? "")));
  await until(
    () => peer.closed || peer.text.includes("PONG\r\n"),
    () => `no answer: ${peer.text}`,
  );
  return { info, lines: answers(peer.text), ended: peer.closed, end: () => peer.terminate() };
}

async function byWebSocket(server: RunningServer, line: (nonce: string) => string): Promise<Conversation> {
  const client = await RawClient.upgrade(server.websocketPort);
  const info = JSON.parse((await client.textUntil("\r\n")).slice("INFO ".length)) as Record<string, unknown>;
  await client.write(frame(BINARY, line(String(info.nonce ?? ""))));
  let text = "";
  let ended = false;
  try {
    while (!text.includes("PONG\r\n")) text += (await client.nextMessage()).toString("latin1");
  } catch {
    ended = true; // what came before says why
  }
  return { info, lines: answers(text), ended, end: () => client[Symbol.dispose]() };
}

/** Without PONG and INFO, which is another matter. */
function answers(text: string): string[] {
  return text.split("\r\n").filter(line => line !== "" && line !== "PONG" && !line.startsWith("INFO "));
}

interface Shown {
  readonly name?: string;
  readonly authorized_user?: string;
  readonly account?: string;
  readonly reason?: string;
  readonly proxy?: { readonly key: string };
}

/** @param ended the server has ended the connection: why, is known a moment later */
async function shown(server: RunningServer, name: string, ended: boolean): Promise<Pick<Outcome, "user" | "account" | "closed" | "proxy">> {
  const url = `http://127.0.0.1:${server.monitorPort}/connz?auth=1&state=all&limit=4096`;
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const { connections } = (await (await fetch(url)).json()) as { connections: Shown[] };
    const found = connections.find(one => one.name === name);
    if (found === undefined || (ended && found.reason === undefined)) continue;
    const { account = "$G", authorized_user: user = "", proxy, reason: closed = "" } = found;
    return closed === "" ? { user, account, closed, proxy: proxy?.key ?? "" } : { user: "", account, closed, proxy: "" };
  }
  throw new Error(`/connz does not tell of ${name}`);
}
