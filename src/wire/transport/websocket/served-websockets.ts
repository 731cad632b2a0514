/**
 * WebSockets by `Bun.serve`, without TLS. The checks of the handshake are those of handshake.ts; frames, their limits and the texts of close
 * frames are Bun's (docs/differences.md). Bun refuses unmasked frames, so they are not offered.
 */
import type { Server, ServerWebSocket } from "bun";
import { WheelTimer } from "../../../base/clock/timing-wheel.ts";
import { SocketCalls } from "../socket-calls.ts";
import { plainAddress } from "../tcp-transport.ts";
import { clientInfoOf, type WebSocketClientInfo } from "./client-info.ts";
import { HalfClosedSockets } from "./half-closed-sockets.ts";
import { REFUSAL_HEADERS, refusalBody, refusalOf } from "./handshake.ts";
import { type HandshakeRules, logRefusal, peerText, refusesLeafNode, type WebSocketHost, type WebSocketOwner } from "./owner.ts";
import { ServedWebSocket } from "./served-websocket.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** Largest message, which Bun holds until it is complete; leaves room for several payloads of the largest size. */
const MESSAGE_PAYLOADS_MAX = 8;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Never reached: a connection writes nothing while Bun keeps a message. */
const BACKPRESSURE_BYTES_MAX = 1024 * 1024 * 1024;
/** Interval at which it looks whether descriptors are left: Bun does not show sockets before their request. */
const WATCH_MS = 100;
/** Bun counts in seconds, and grants a request at least 10 of them. */
const IDLE_SECONDS = 10;

/** Data attached to a socket. */
export interface ServedData {
  readonly info: WebSocketClientInfo;
  readonly remotePort: number;
  /** A leaf node's connection, which is closed at once. */
  readonly closesAtOnce: boolean;
  transport: ServedWebSocket | null;
}

export class ServedWebSockets implements WebSocketOwner {
  readonly port: number;
  private readonly host: WebSocketHost;
  private readonly rules: HandshakeRules;
  private readonly hostname: string;
  /** Accepts connections; null while descriptors are scarce. */
  private server: Server<ServedData> | null;
  /** Servers that accept no more, and whose connections go on. */
  private readonly former = new Set<Server<ServedData>>();
  private readonly watchTimer = new WheelTimer(() => this.watch());
  private readonly calls = SocketCalls.load();
  private readonly halfClosed: HalfClosedSockets;

  /** Binds the port; 0: a free one. Throws with the system's error when it cannot. */
  constructor(host: WebSocketHost, rules: HandshakeRules, hostname: string, port: number) {
    this.host = host;
    this.rules = rules;
    this.hostname = hostname;
    this.server = this.serve(hostname, port);
    this.port = this.server.port!;
    host.timers.set(this.watchTimer, WATCH_MS);
    this.halfClosed = new HalfClosedSockets(host.timers, host.clock, this.calls, this.port);
  }

  private serve(hostname: string, port: number): Server<ServedData> {
    const server = Bun.serve<ServedData>({
      hostname,
      port,
      development: false,
      reusePort: false, // `development: false` would set it, and a second server on this port would get half of the clients
      idleTimeout: IDLE_SECONDS,
      fetch: (request, server) => this.onRequest(request, server),
      error: error => {
        this.host.onDefect(error);
        return new Response("", { status: 500 });
      },
      websocket: {
        perMessageDeflate: false,
        maxPayloadLength: Math.min(MESSAGE_PAYLOADS_MAX * this.host.payloadBytesMax, MESSAGE_BYTES_MAX),
        backpressureLimit: BACKPRESSURE_BYTES_MAX,
        idleTimeout: 0, // the NATS protocol has its own keepalive
        sendPings: false,
        open: socket => this.onOpen(socket),
        message: (socket, message) => this.guarded(socket, () => socket.data.transport?.onMessage(message as Buffer | string)),
        drain: socket => this.guarded(socket, () => socket.data.transport?.onDrain()),
        close: (socket, code, text) => {
          this.halfClosed.onClosed();
          this.guarded(socket, () => socket.data.transport?.onClose(code, text));
        },
      },
    });
    this.calls?.lengthenAcceptQueueOn(server.port!);
    return server;
  }

  /** Stops accepting while hardly any descriptor is left. */
  private watch(): void {
    const { host, server } = this;
    host.timers.set(this.watchTimer, WATCH_MS);
    if (host.descriptors.crowded) {
      host.onCrowded();
      if (server === null) return;
      this.server = null;
      this.former.add(server);
      void server.stop(false).then(() => this.former.delete(server));
    } else if (server === null) {
      try {
        this.server = this.serve(this.hostname, this.port);
      } catch (error) {
        host.logError(`websocket: ${(error as Error).message}`);
      }
    }
  }

  stop(force: boolean): void {
    this.host.timers.cancel(this.watchTimer);
    if (force) this.halfClosed.stop();
    for (const server of [...this.former, ...(this.server === null ? [] : [this.server])]) void server.stop(force);
  }

  private onRequest(request: Request, server: Server<ServedData>): Response | undefined {
    const { host, rules } = this;
    const address = server.requestIP(request);
    const upgrade = upgradeRequestOf(request);
    const refusal = refusalOf(upgrade, rules.origins);
    if (refusal !== null) {
      logRefusal(host, peerText(plainAddress(address?.address ?? ""), address?.port ?? 0), refusal.reason);
      return new Response(refusalBody(refusal.status), { status: refusal.status, headers: REFUSAL_HEADERS });
    }
    const info = clientInfoOf(upgrade, false, false);
    // Headers that Bun would check again and answer in its own way.
    request.headers.delete("sec-websocket-protocol");
    request.headers.set("sec-websocket-version", "13");
    const data: ServedData = { info, remotePort: address?.port ?? 0, closesAtOnce: refusesLeafNode(host, upgrade), transport: null };
    if (server.upgrade(request, { headers: rules.headers, data })) return undefined;
    return new Response(refusalBody(400), { status: 400, headers: REFUSAL_HEADERS });
  }

  private onOpen(socket: ServerWebSocket<ServedData>): void {
    const { info, remotePort, closesAtOnce } = socket.data;
    if (closesAtOnce) return socket.terminate();
    socket.binaryType = "nodebuffer";
    this.guarded(socket, () => {
      const transport = new ServedWebSocket(socket, info, remotePort);
      socket.data.transport = transport;
      transport.attach(this.host.accept(transport, info));
      this.host.endTurn();
    });
  }

  private guarded(socket: ServerWebSocket<ServedData>, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      this.host.onDefect(error as Error);
      socket.terminate();
    }
  }
}

function upgradeRequestOf(request: Request): UpgradeRequest {
  const [, path = ""] = /^(?:https?:\/\/[^/?#]*)?([^?#]*)/i.exec(request.url)!;
  return {
    method: request.method,
    path,
    host: request.headers.get("host") ?? "",
    secure: false,
    values: name => {
      const value = request.headers.get(name);
      return value === null ? [] : [value];
    },
  };
}
