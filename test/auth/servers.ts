/**
 * Starts our server and nats-server with the same configuration, and records how each of them answers the same clients.
 *
 *   attempt ─▶ INFO ─▶ (TLS) ─▶ CONNECT ─▶ PONG, or connection closed ─▶ /connz: its user, or why it was closed
 */
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { SILENT } from "../../src/base/log/silent-logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { loadConfigText } from "../../src/config/schema/load-config.ts";
import { Server } from "../../src/server/process/server.ts";
import { startNow } from "../faults/start-now.ts";
import { until } from "../faults/until.ts";
import { askBoth } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { type PeerTls, SecurePeer } from "../tls/secure-peer.ts";
import { BINARY, frame, RawClient } from "../websocket/raw-client.ts";

const TIMEOUT_MS = 60_000;

export interface RunningServer {
  readonly port: number;
  readonly monitorPort: number;
  readonly websocketPort: number;
  stop(): Promise<void>;
}

/** Starts our server on free ports of 127.0.0.1. The configuration names no ports. */
export function startOurs(config: string): RunningServer {
  const options = { ...loadConfigText(config, {}).options, host: "127.0.0.1", port: 0, httpHost: "127.0.0.1", httpPort: 0 };
  const server = new Server(completeOptions(options), { log: SILENT, clock: SYSTEM_CLOCK });
  startNow(server);
  return { port: server.port, monitorPort: server.monitorPort!, websocketPort: server.websocketPort ?? 0, stop: () => server.stop() };
}

/** Runs the same scenario on both servers. @returns the result from ours, then the one from nats-server */
export async function withBoth<T>(config: string, scenario: (server: RunningServer) => Promise<T>): Promise<[T, T]> {
  const runOn = async (server: RunningServer) => {
    try {
      return await scenario(server);
    } finally {
      await server.stop();
    }
  };
  return askBoth(
    () => runOn(startOurs(config)),
    async () => runOn(await ReferenceServer.start(config)),
    { inTurn: true },
  );
}

/** Makes the options of CONNECT from the nonce in INFO. */
export type Credentials = (nonce: string) => Record<string, unknown>;

export interface Attempt {
  readonly by?: "tcp" | "websocket";
  readonly tls?: PeerTls;
  readonly connect: Record<string, unknown> | Credentials;
}

export interface Outcome {
  /** `auth_required` of INFO. */
  readonly authRequired: boolean;
  readonly hasNonce: boolean;
  /** Lines between CONNECT and PONG, or until the connection was closed. */
  readonly lines: readonly string[];
  /** User of an accepted client; empty when it has no user name. */
  readonly user: string;
  readonly account: string;
  /** Reason of the close; empty for an accepted client. */
  readonly closed: string;
  /** Key of the proxy of an accepted client; empty without a proxy. */
  readonly proxy: string;
}

let lastName = 0;

/** Makes one connection. @returns whether it was accepted, and as which user */
export async function outcomeOf(server: RunningServer, attempt: Attempt): Promise<Outcome> {
  const name = `attempt-${++lastName}`;
  const line = (nonce: string) => {
    const connect = typeof attempt.connect === "function" ? attempt.connect(nonce) : attempt.connect;
    return `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, protocol: 1, name, ...connect })}\r\nPING\r\n`;
  };
  const { info, lines, ended, close } = await (attempt.by === "websocket" ? byWebSocket(server, line) : byTcp(server, attempt, line));
  try {
    return { authRequired: info.auth_required === true, hasNonce: "nonce" in info, lines, ...(await connzEntry(server, name, ended)) };
  } finally {
    close();
  }
}

interface Conversation {
  readonly info: Record<string, unknown>;
  readonly lines: readonly string[];
  /** The server closed the connection. */
  readonly ended: boolean;
  close(): void;
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
  return { info, lines: answers(peer.text), ended: peer.closed, close: () => peer.terminate() };
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
    ended = true; // the lines received before show the reason
  }
  return { info, lines: answers(text), ended, close: () => client[Symbol.dispose]() };
}

/** The lines received, without PONG and INFO. */
function answers(text: string): string[] {
  return text.split("\r\n").filter(line => line !== "" && line !== "PONG" && !line.startsWith("INFO "));
}

interface ConnzEntry {
  readonly name?: string;
  readonly authorized_user?: string;
  readonly account?: string;
  readonly reason?: string;
  readonly proxy?: { readonly key: string };
}

/** @param ended the server closed the connection; /connz shows the reason a moment later */
async function connzEntry(
  server: RunningServer,
  name: string,
  ended: boolean,
): Promise<Pick<Outcome, "user" | "account" | "closed" | "proxy">> {
  const url = `http://127.0.0.1:${server.monitorPort}/connz?auth=1&state=all&limit=4096`;
  const deadline = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { connections } = (await (await fetch(url)).json()) as { connections: ConnzEntry[] };
    const found = connections.find(one => one.name === name);
    if (found === undefined || (ended && found.reason === undefined)) continue;
    const { account = "$G", authorized_user: user = "", proxy, reason: closed = "" } = found;
    return closed === "" ? { user, account, closed, proxy: proxy?.key ?? "" } : { user: "", account, closed, proxy: "" };
  }
  throw new Error(`/connz does not show ${name}`);
}
