/**
 * The two owners of a WebSocket port: `Bun.serve` (served-websockets.ts) or our own codec on raw sockets (raw-websockets.ts). Both make the
 * checks of handshake.ts and produce a `Transport`. The listener's configuration decides which one is used, by options that no reload changes.
 */
import type { Clock } from "../../../base/clock/clock.ts";
import type { TimingWheel } from "../../../base/clock/timing-wheel.ts";
import type { Scheduler } from "../../../base/scheduling/scheduler.ts";
import type { Descriptors } from "../descriptors.ts";
import type { TlsContext } from "../tls/tls-context.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import type { WebSocketClientInfo } from "./client-info.ts";
import type { OriginRules } from "./origin.ts";
import { kindOf, type UpgradeRequest } from "./upgrade-request.ts";

/** What an owner needs from the server. */
export interface WebSocketHost {
  logWarning(text: string): void;
  logError(text: string): void;
  readonly timers: TimingWheel;
  readonly scheduler: Scheduler;
  /** Counts connections before their handshake. */
  readonly descriptors: Descriptors;
  /** Connections were refused, or wait, for lack of a descriptor; logged once per second at most. */
  onCrowded(): void;
  readonly payloadBytesMax: number;
  /** A peer passed the handshake. The owner calls `endTurn` afterwards. */
  accept(transport: Transport, info: WebSocketClientInfo): TransportEvents;
  endTurn(): void;
  readonly clock: Clock;
  /** One of our handlers threw. */
  onDefect(error: Error): void;
}

/** Requirements for a handshake. */
export interface HandshakeRules {
  readonly origins: OriginRules;
  readonly compression: boolean;
  readonly handshakeTimeoutMs: number;
  /** A PROXY header may precede the request. */
  readonly proxyProtocol: boolean;
  /** Headers added to the response. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WebSocketOwner {
  readonly port: number;
  /** Applies to new connections; existing ones are not affected. Only an owner that was created with TLS has this. */
  updateTls?(tls: TlsContext): void;
  /** Stops accepting. @param force also ends the accepted sockets */
  stop(force: boolean): void;
}

export function logRefusal(host: WebSocketHost, peer: string, reason: string): void {
  host.logError(`${peer} - websocket handshake error: ${reason}`);
}

/**
 * Leaf nodes are not supported yet. As in a reference server without leaf nodes, the upgrade succeeds and the connection is closed at once.
 * @returns whether the request is from a leaf node, which is then logged
 */
export function refusesLeafNode(host: WebSocketHost, request: UpgradeRequest): boolean {
  if (kindOf(request) !== "leaf") return false;
  host.logError("Not configured to accept leaf node connections");
  return true;
}

/** Formats `address:port`, an IPv6 address in brackets. */
export function peerText(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
