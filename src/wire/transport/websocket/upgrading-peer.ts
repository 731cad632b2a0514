/**
 * A peer of our own codec before its upgrade: bytes are an HTTP request until it is answered, then frames.
 *
 *   head not whole ── in time ──▶ parseHead ─▶ refusalOf ── none ──▶ 101, WebSocketTransport, accept
 *         │ too late: closed                       └── status, reason ──▶ answered, logged, closed
 *         └ over 64 KiB: 431
 * One request per connection: a refused peer must open a new one.
 */
import { WheelTimer } from "../../../base/clock/timing-wheel.ts";
import { CloseReason } from "../../protocol/close-reason.ts";
import type { Transport, TransportEvents, TransportRefusal } from "../transport.ts";
import { clientInfoOf } from "./client-info.ts";
import { refusalOf, refusalResponse, upgradeResponse } from "./handshake.ts";
import { type HandshakeRules, logRefusal, peerText, refusesLeafNode, type WebSocketHost } from "./owner.ts";
import { badRequestResponse, endOfHead, HEAD_BYTES_MAX, parseHead } from "./request-head.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";
import { type SharedWebSocketState, WebSocketTransport } from "./websocket-transport.ts";

/** Time for a refused peer to end its side, ms. */
const LINGER_MS = 2_000;

/** The answer to plain HTTP on a secure port. */
const HTTPS_EXPECTED = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

const NOTHING = Buffer.alloc(0);

export class UpgradingPeer implements TransportEvents {
  private readonly below: Transport;
  private readonly host: WebSocketHost;
  private readonly rules: HandshakeRules;
  private readonly shared: SharedWebSocketState;
  private readonly secure: boolean;
  private readonly timer: WheelTimer;
  private head: Buffer = NOTHING;
  private answered = false;
  /** `host.descriptors` counts it; a client is counted among the clients. */
  private counted = true;
  private upgraded: WebSocketTransport | null = null;

  /** The caller has taken a descriptor for it. @param secure whether `below` is TLS, or will be after its handshake */
  constructor(below: Transport, secure: boolean, host: WebSocketHost, rules: HandshakeRules, shared: SharedWebSocketState) {
    this.below = below;
    this.secure = secure;
    this.host = host;
    this.rules = rules;
    this.shared = shared;
    this.timer = new WheelTimer(() => below.terminate());
    if (!below.handshaking) this.onReady();
  }

  onData(chunk: Buffer): void {
    if (this.upgraded !== null) return this.upgraded.onData(chunk);
    if (this.answered) return; // dropped, so that unread bytes do not cause a reset that loses the answer
    const from = this.head.length;
    this.head = from === 0 ? chunk : Buffer.concat([this.head, chunk]);
    const end = endOfHead(this.head, from);
    if (end === -1 ? this.head.length > HEAD_BYTES_MAX : end > HEAD_BYTES_MAX) {
      return this.refuse(badRequestResponse("431 Request Header Fields Too Large"));
    }
    if (end !== -1) this.onHead(this.head.toString("latin1", 0, end), this.head.length > end);
  }

  private onHead(head: string, dataBehind: boolean): void {
    this.head = NOTHING;
    const request = parseHead(head, this.secure);
    if (typeof request === "string") return this.refuse(badRequestResponse(`400 Bad Request${request}`));
    const refusal = refusalOf(request, this.rules.origins);
    if (refusal !== null) {
      this.log(refusal.reason);
      return this.refuse(refusalResponse(refusal.status, this.host.clock.now()));
    }
    if (dataBehind) {
      this.log("client sent data before handshake is complete");
      this.answered = true;
      return this.below.terminate();
    }
    this.upgrade(request);
  }

  private upgrade(request: UpgradeRequest): void {
    const { host, below } = this;
    this.answered = true;
    host.timers.cancel(this.timer);
    const info = clientInfoOf(request, this.rules.compression, true);
    const response = Buffer.from(upgradeResponse(request, info, this.rules.headers), "latin1");
    // The first bytes on this connection: a kernel that refuses them means that the connection failed.
    if (below.write(response, 0, response.length) < response.length) return below.terminate();
    if (refusesLeafNode(host, request)) return below.end(false, CloseReason.ClientClosed);
    const transport = new WebSocketTransport(below, info, this.shared);
    this.upgraded = transport;
    this.uncount();
    transport.attach(host.accept(transport, info));
    host.endTurn();
  }

  private refuse(response: string): void {
    const bytes = Buffer.from(response, "latin1");
    this.answered = true;
    this.head = NOTHING;
    this.below.write(bytes, 0, bytes.length);
    this.below.end(true, CloseReason.ClientClosed);
    this.host.timers.set(this.timer, LINGER_MS);
  }

  private log(reason: string): void {
    logRefusal(this.host, peerText(this.below.remoteAddress, this.below.remotePort), reason);
  }

  onHandshakeStart(): void {}

  onPeerSilent(): void {}

  /** The request may come now. */
  onReady(): void {
    this.host.timers.set(this.timer, this.rules.handshakeTimeoutMs);
  }

  onRefused({ kind, text, asksForHttp = false }: TransportRefusal): void {
    const peer = peerText(this.below.remoteAddress, this.below.remotePort);
    if (kind === "proxy") {
      this.host.logWarning(`Error reading PROXY protocol header from ${peer}: ${text}`);
      this.answered = true;
      return this.below.terminate();
    }
    const reason = asksForHttp ? "client sent an HTTP request to an HTTPS server" : text;
    this.host.logError(`websocket: TLS handshake error from ${peer}: ${reason}`);
    if (asksForHttp) return this.refuse(HTTPS_EXPECTED); // before the handshake, so unencrypted
    this.answered = true;
    this.below.terminate();
  }

  onDrain(): void {
    this.upgraded?.onDrain();
  }

  onEnd(): void {
    if (this.upgraded !== null) this.upgraded.onEnd();
    else this.below.terminate();
  }

  onReadFailed(text: string): void {
    if (this.upgraded !== null) this.upgraded.onReadFailed(text);
    else this.below.terminate();
  }

  private uncount(): void {
    if (this.counted) this.host.descriptors.give();
    this.counted = false;
  }

  onClose(error: Error | null): void {
    this.host.timers.cancel(this.timer);
    this.uncount();
    this.upgraded?.onClose(error);
  }
}
