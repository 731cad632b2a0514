/**
 * What a server is doing, for SIGQUIT: written to standard error, also when the log goes elsewhere. The reference writes the stacks of its
 * goroutines; here one event loop does everything, so there is one stack, and what waits for that loop:
 *
 *   SIGQUIT: quit
 *   bunats 0.2.0 …
 *
 *   event loop [running]:
 *       at …
 *
 *   connections: 2 open, 1 closing
 *     127.0.0.1:51512 - cid:5 - "$G/user:a": 3 subscriptions, 0 bytes pending, in 10 msgs, out 20 msgs
 *   timers: 5
 *   accounts: 2, subscriptions: 61
 *   memory: …
 */
import { heapStats } from "bun:jsc";
import { NATS_VERSION, OWN_VERSION } from "../wire/protocol/version.ts";

/** Connections that are listed one by one. */
const LISTED_MAX = 1_024;

export interface DumpedConnection {
  readonly label: string;
  readonly subscriptions: { readonly size: number };
  readonly outbound: { readonly pendingBytes: number };
  readonly inMessages: number;
  readonly outMessages: number;
  readonly closed: boolean;
}

export interface DumpedServer {
  readonly startedAt: number;
  readonly clock: { now(): number };
  readonly connections: ReadonlyMap<number, DumpedConnection>;
  /** Connections whose sockets are open, with those that are being closed. */
  readonly openSockets: number;
  readonly turn: { readonly timers: { readonly size: number } };
  readonly accounts: readonly { readonly interest: { readonly count: number } }[];
}

/** @param server null: it does not exist yet */
export function stackDump(server: DumpedServer | null): string {
  const stack = new Error().stack?.split("\n").slice(1) ?? [];
  const lines = [
    "SIGQUIT: quit",
    `bunats ${OWN_VERSION} (nats-server ${NATS_VERSION}), Bun ${Bun.version}, ${process.platform} ${process.arch}, pid ${process.pid}`,
    "",
    "event loop [running]:",
    ...stack,
    "",
    ...(server === null ? ["the server does not exist yet"] : serverLines(server)),
    ...memoryLines(),
  ];
  return `${lines.join("\n")}\n`;
}

function serverLines({ accounts, clock, connections, openSockets, startedAt, turn }: DumpedServer): string[] {
  const listed = [...connections.values()].slice(0, LISTED_MAX);
  const more = connections.size - listed.length;
  const subscriptions = accounts.reduce((sum, { interest }) => sum + interest.count, 0);
  return [
    `running for ${Math.round((clock.now() - startedAt) / 1_000)}s`,
    `connections: ${connections.size} open, ${Math.max(0, openSockets - connections.size)} closing`,
    ...listed.map(connectionLine),
    ...(more === 0 ? [] : [`  and ${more} more`]),
    `timers: ${turn.timers.size}`,
    `accounts: ${accounts.length}, subscriptions: ${subscriptions}`,
  ];
}

function connectionLine({ label, subscriptions, outbound, inMessages, outMessages }: DumpedConnection): string {
  return `  ${label}: ${subscriptions.size} subscriptions, ${outbound.pendingBytes} bytes pending, in ${inMessages} msgs, out ${outMessages} msgs`;
}

function memoryLines(): string[] {
  const { heapUsed, heapTotal, rss, external } = process.memoryUsage();
  const { objectCount, protectedObjectTypeCounts } = heapStats();
  const pinned = Object.entries(protectedObjectTypeCounts).map(([type, count]) => `${type} ${count}`);
  return [
    `memory: rss ${rss}, heap ${heapUsed} of ${heapTotal}, external ${external}, objects ${objectCount}`,
    `held by the runtime: ${pinned.join(", ") || "nothing"}`,
  ];
}
