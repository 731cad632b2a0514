/**
 * A socket on which a PROXY header and a TLS handshake may precede the bytes of the protocol.
 *
 *   begin ─▶ FirstBytes ─▶ Sniff ─▶ Proxy ─▶ SniffAgain ─▶ Hello ─▶ (Turn) ─▶ Handshake ─▶ PeerCheck ─▶ Open
 *            auto: does    TLS or     the        TLS or plain    choose the      OCSP
 *            TLS begin?    plain?     header     after it?       certificate
 * A PROXY header that comes at once is read before FirstBytes, because the client behind it may wait for INFO.
 * Phases that the rules do not require are skipped; without TLS only Proxy and Open remain. Each phase has its own time limit. Received
 * bytes are held until the phase can decide: at most a PROXY header or a ClientHello, plus one read.
 *
 * Once open, events go directly from the socket to the connection, and writes directly to the socket: the plain one, or the TLS socket
 * that Bun creates from it. The plain socket keeps reporting the ciphertext, which cannot be switched off; those events are ignored.
 * Measured behaviour of Bun's TLS sockets: `write` accepts whole records and returns their bytes, 0 when the kernel's buffer is full;
 * `end` and `shutdown` send the written bytes and close_notify, then wait for the peer's end; `pause` stops reading from the socket.
 * Source: core §9.2, §9.5; the order of the phases is the reference's.
 */
import type { Socket, SocketHandler } from "bun";
import { GrowingBytes } from "../../base/bytes/growing-bytes.ts";
import type { Clock } from "../../base/clock/clock.ts";
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Scheduler, Task } from "../../base/scheduling/scheduler.ts";
import { UnitsOf } from "../../base/scheduling/work-meter.ts";
import type { CloseReason } from "../protocol/close-reason.ts";
import { endText, readProxyHeader, unfinishedText } from "./proxy/proxy-header.ts";
import type { SocketCalls } from "./socket-calls.ts";
import { fdOf, type SocketCloser } from "./socket-closer.ts";
import { plainAddress, type SocketData, TcpTransport } from "./tcp-transport.ts";
import { readCertificate } from "./tls/certificate.ts";
import { type ClientHello, HelloCollector } from "./tls/client-hello.ts";
import { handshakeErrorText, verificationErrorText } from "./tls/handshake-error.ts";
import type { HandshakeRate } from "./tls/handshake-rate.ts";
import { type SessionSocket, sentCertificates } from "./tls/sent-certificates.ts";
import type { TlsContext } from "./tls/tls-context.ts";
import { verifiedChains } from "./tls/verified-chains.ts";
import type { PeerCertificate } from "./tls-state.ts";
import type { SocketEvents, TransportEvents, TransportRefusal } from "./transport.ts";

const PROXY_HEADER_MS = 5_000;
/** Time for a refused peer to read the alert and end its side. */
const REFUSED_LINGER_MS = 2_000;

/** A listener's requirements for new connections. */
export interface GuardRules {
  /** Null: no TLS. */
  readonly tls: TlsContext | null;
  /** Time for a TLS handshake, ms. */
  readonly handshakeMs: number;
  /** Clients may connect without TLS. */
  readonly allowNonTls: boolean;
  readonly proxyProtocol: boolean;
  /** Null: no limit. */
  readonly rate: HandshakeRate | null;
  readonly timers: TimingWheel;
  readonly clock: Clock;
  readonly scheduler: Pick<Scheduler, "add" | "checkBusy" | "meter">;
  /** Handlers of the TLS sockets that Bun creates. */
  readonly handlers: SecureHandlers;
}

/** Bun's types lack the handshake event of `upgradeTLS` on the server side. */
export interface SecureHandlers extends SocketHandler<SocketData> {
  handshake(socket: Socket<SocketData>, success: boolean, error: Error | null): void;
}

enum Phase {
  Idle,
  FirstBytes,
  Sniff,
  Proxy,
  SniffAgain,
  Hello,
  /** The ClientHello is complete; the handshake waits for its turn. */
  Turn,
  Handshake,
  PeerCheck,
  Open,
  /** Refused, or ended by the connection: further bytes are ignored. */
  Over,
}

const IGNORE_EVENTS: SocketEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class GuardedTransport extends TcpTransport implements SocketEvents, Task {
  awaitsAddress: boolean;
  private readonly rules: GuardRules;
  private readonly timer: WheelTimer;
  private events: TransportEvents | null = null;
  private phase = Phase.Idle;
  /** For `Phase.Turn`. */
  private waitingHello: ClientHello | null = null;
  /** The plain socket under the one that Bun makes for TLS; kept until the end. */
  private plain: Socket<SocketData> | null = null;
  /** Received bytes that the current phase has not used yet; null when there are none. */
  private held: GrowingBytes | null = null;
  private hello: HelloCollector | null = null;
  private versions: readonly number[] = [];
  /** A handshake follows, according to the rules and the first bytes. */
  private wantsTls: boolean;
  private sniffs: boolean;
  /** The PROXY header was read. */
  private headerRead = false;
  /** Our address and the peer's, as Go's errors name them. Read at the start, because a closed socket no longer has them. */
  private readonly route: string;
  /** The handshake failed inside Bun's `upgradeTLS` call, before it returned its sockets. */
  private failedEarly = false;

  constructor(socket: Socket<SocketData>, calls: SocketCalls | null, closer: SocketCloser, rules: GuardRules) {
    super(socket, calls, closer);
    this.rules = rules;
    this.timer = new WheelTimer(() => this.onTimeout());
    this.handshaking = true;
    this.route = `${plainAddress(socket.localAddress ?? "")}:${socket.localPort ?? 0}->${this.remoteAddress}:${this.remotePort}`;
    this.handshakesFirst = rules.tls?.options.handshakeFirst ?? false;
    this.awaitsAddress = rules.proxyProtocol;
    this.wantsTls = rules.tls !== null && (this.handshakesFirst || !rules.allowNonTls);
    this.sniffs = rules.tls !== null && rules.allowNonTls && !this.handshakesFirst;
    this.vectored = false;
  }

  /** Starts reading. The connection already knows this transport and may have ended it. */
  begin(events: TransportEvents): void {
    this.events = events;
    if (this.phase !== Phase.Idle) return;
    if (this.awaitsFirstBytes) this.enterFirstBytes();
    else this.afterFirstBytes();
  }

  private get awaitsFirstBytes(): boolean {
    return this.handshakesFirst && this.rules.tls!.options.handshakeFirstFallbackMs > 0;
  }

  private enterFirstBytes(): void {
    this.enter(Phase.FirstBytes, this.rules.tls!.options.handshakeFirstFallbackMs);
  }

  private enter(phase: Phase, timeMs: number): void {
    this.phase = phase;
    this.rules.timers.set(this.timer, timeMs);
    if (this.held !== null) this.inspectHeld();
  }

  private afterFirstBytes(): void {
    if (this.sniffs) this.enter(Phase.Sniff, this.rules.handshakeMs);
    else this.afterSniff();
  }

  private afterSniff(): void {
    if (this.rules.proxyProtocol && !this.headerRead) this.enter(Phase.Proxy, PROXY_HEADER_MS);
    else this.startTlsOrOpen();
  }

  private startTlsOrOpen(): void {
    this.awaitsAddress = false;
    if (!this.wantsTls) return this.open();
    const { rate } = this.rules;
    if (rate !== null && !rate.allows(this.rules.clock.monotonic())) return this.refuse({ kind: "throttled", text: "" });
    this.events!.onHandshakeStart();
    this.hello = new HelloCollector();
    this.enter(Phase.Hello, this.rules.handshakeMs);
  }

  /** Lets the current phase examine the held bytes. */
  private inspectHeld(): void {
    const held = this.held!.bytes;
    switch (this.phase) {
      case Phase.FirstBytes: // any byte decides, except those of a proxy: a client that waits for INFO sends nothing
        if (this.rules.proxyProtocol && !this.headerRead && readProxyHeader(held).kind !== "absent") {
          return this.enter(Phase.Proxy, PROXY_HEADER_MS);
        }
        return this.afterFirstBytes();
      case Phase.Sniff:
        this.wantsTls = held[0] === 0x16;
        return this.afterSniff();
      case Phase.Proxy:
        return this.inspectProxyHeader(held);
      case Phase.SniffAgain:
        this.wantsTls = held[0] === 0x16;
        return this.startTlsOrOpen();
      case Phase.Hello:
        this.held = null;
        return this.collectHello(held);
    }
  }

  private inspectProxyHeader(held: Buffer): void {
    const outcome = readProxyHeader(held);
    if (outcome.kind === "more") return;
    if (outcome.kind === "refused") return this.refuse({ kind: "proxy", text: outcome.text });
    if (outcome.kind === "absent") return this.startTlsOrOpen();
    if (outcome.source !== null) {
      this.remoteAddress = outcome.source.address;
      this.remotePort = outcome.source.port;
    }
    this.held = null;
    if (outcome.size < held.length) {
      this.held = new GrowingBytes();
      this.held.append(held.subarray(outcome.size));
    }
    this.headerRead = true;
    this.awaitsAddress = false;
    if (this.awaitsFirstBytes) return this.enterFirstBytes();
    // The byte examined in Sniff was the header's first, not the client's.
    if (this.sniffs) this.enter(Phase.SniffAgain, this.rules.handshakeMs);
    else this.startTlsOrOpen();
  }

  private collectHello(chunk: Buffer): void {
    const outcome = this.hello!.add(chunk);
    switch (outcome.kind) {
      case "more":
        return;
      case "notTls":
        return this.refuse({
          kind: "probe",
          text: "tls: first record does not look like a TLS handshake",
          asksForHttp: outcome.asksForHttp,
        });
      case "tooLarge":
        return this.refuse({ kind: "handshake", text: "tls: handshake message is too large" });
    }
    this.versions = outcome.hello?.versions ?? [];
    this.startHandshake(outcome.hello);
  }

  /** A handshake takes most of a millisecond, because of its signature: while the loop is busy, it waits for its turn as a task. */
  private startHandshake(hello: ClientHello | null): void {
    const { scheduler } = this.rules;
    if (!scheduler.checkBusy()) return this.handshake(hello);
    this.phase = Phase.Turn;
    this.waitingHello = hello;
    this.socket.pause(); // the bytes that follow belong to Bun
    scheduler.add(this);
  }

  work(): boolean {
    if (this.phase !== Phase.Turn) return false;
    this.socket.resume();
    this.handshake(this.waitingHello);
    return false;
  }

  private handshake(hello: ClientHello | null): void {
    this.rules.scheduler.meter.done += UnitsOf.handshake;
    this.upgrade(this.rules.tls!.handshakeOptions(hello));
  }

  private upgrade(tls: ReturnType<TlsContext["handshakeOptions"]>): void {
    this.phase = Phase.Handshake;
    const plain = this.socket;
    plain.data.events = IGNORE_EVENTS;
    const initialData = this.hello!.bytes;
    this.hello = null;
    const options = { isServer: true, tls, initialData, data: { transport: this, events: this }, socket: this.rules.handlers };
    try {
      const [raw, secure] = plain.upgradeTLS<SocketData>(options as unknown as Parameters<typeof plain.upgradeTLS<SocketData>>[0]);
      this.plain = raw;
      this.socket = secure;
    } catch (error) {
      return this.refuse({ kind: "handshake", text: (error as Error).message });
    }
    if (this.failedEarly) this.endRefused();
  }

  /** Bun finished the handshake. `success` alone is not enough: an untrusted certificate is reported as a success with an error. */
  onHandshake(socket: Socket<SocketData>, success: boolean, error: Error | null): void {
    if (this.phase !== Phase.Handshake) return;
    this.failedEarly = this.plain === null;
    if (!success) return this.refuse({ kind: "handshake", text: this.failureText(error) });
    const tls = this.rules.tls!;
    let certificate: PeerCertificate | null = null;
    const raw = tls.options.verify || tls.options.verifyOptional ? socket.getPeerX509Certificate()?.raw : undefined;
    if (raw === undefined && tls.options.verify)
      return this.refuse({ kind: "handshake", text: "tls: client didn't provide a certificate" });
    if (raw !== undefined) {
      try {
        certificate = readCertificate(raw);
      } catch (cause) {
        return this.refuse({ kind: "handshake", text: `tls: failed to parse client certificate: ${(cause as Error).message}` });
      }
      if (error !== null && error !== undefined) return this.refuse(unverified(error, certificate));
      if (socket.authorized !== true) return this.refuse(unverified(null, certificate));
    }
    if (!tls.isPinned(certificate)) {
      const detail =
        certificate === null
          ? "Failed pinned cert test as client did not provide a certificate"
          : `Failed pinned cert test for key id: ${certificate.spkiSha256}`;
      return this.refuse({ kind: "handshake", text: "certificate not pinned", detail });
    }
    this.tls = {
      version: socket.getTLSVersion() === "TLSv1.3" ? "1.3" : "1.2",
      cipherSuite: (socket.getCipher() as { standardName?: string }).standardName ?? "", // Go uses the standard's names
      peerCertificates: certificate === null ? [] : [certificate],
      handshakeFirst: this.handshakesFirst,
      ...(certificate === null
        ? {}
        : { verifiedChains: () => verifiedChains(certificate.raw, tls.authorities, socket, this.rules.clock.now()) }),
    };
    this.failedEarly = false;
    if (tls.peerCheck === null || certificate === null) return this.open(socket);
    this.phase = Phase.PeerCheck;
    socket.pause();
    const settle = (text: string | null) => {
      if (this.phase !== Phase.PeerCheck) return;
      if (text !== null) return this.refuse({ kind: "handshake", text });
      socket.resume(); // before `open`, in which the connection may pause it again
      this.open(socket);
    };
    const sent = sentCertificates(socket as unknown as SessionSocket);
    tls.peerCheck(certificate, tls.authorities, sent).then(settle, cause => settle((cause as Error).message));
  }

  private failureText(error: Error | null): string {
    const reset = (error as NodeJS.ErrnoException | null)?.code === "ECONNRESET";
    return reset ? `read tcp ${this.route}: read: connection reset by peer` : handshakeErrorText(error, this.versions);
  }

  /** From here on, bytes go to the connection. */
  private open(socket = this.socket): void {
    this.rules.timers.cancel(this.timer);
    this.phase = Phase.Open;
    this.handshaking = false;
    this.vectored = this.tls === null && this.calls !== null;
    const events = this.events!;
    const held = this.held;
    this.held = null;
    events.onReady();
    socket.data.events = events;
    if (held !== null) events.onData(held.bytes);
  }

  private refuse(refusal: TransportRefusal): void {
    this.rules.timers.cancel(this.timer);
    this.phase = Phase.Over;
    this.held = null;
    this.hello = null;
    this.events!.onRefused(refusal);
  }

  private onTimeout(): void {
    switch (this.phase) {
      case Phase.FirstBytes: {
        // The client waits for INFO, so the ordinary rules apply.
        this.handshakesFirst = false;
        this.wantsTls = !this.rules.allowNonTls;
        this.sniffs = this.rules.allowNonTls;
        this.events!.onPeerSilent();
        if (this.phase === Phase.FirstBytes) this.afterFirstBytes();
        return;
      }
      case Phase.Sniff:
        this.wantsTls = false;
        return this.afterSniff();
      case Phase.SniffAgain:
        this.wantsTls = false;
        return this.startTlsOrOpen();
      case Phase.Proxy: {
        const text = unfinishedText(this.held?.bytes ?? Buffer.alloc(0));
        return this.refuse({ kind: "proxy", text: `${text}: read tcp ${this.route}: i/o timeout` });
      }
      case Phase.Hello:
      case Phase.Turn:
      case Phase.Handshake:
      case Phase.PeerCheck:
        return this.refuse({ kind: "timeout", text: `read tcp ${this.route}: i/o timeout` });
      case Phase.Over:
        return super.terminate();
    }
  }

  // SocketEvents, until the transport is open

  onData(chunk: Buffer): void {
    switch (this.phase) {
      case Phase.Idle:
      case Phase.Over:
      case Phase.Open:
        return;
      case Phase.Hello:
        return this.collectHello(chunk);
      default:
        this.held ??= new GrowingBytes();
        this.held.append(chunk);
        this.inspectHeld();
    }
  }

  onDrain(): void {
    this.events?.onDrain();
  }

  onEnd(): void {
    this.onPeerEnded(this.endText);
    this.events?.onEnd();
  }

  onClose(error: Error | null): void {
    this.onPeerEnded(error === null ? this.endText : this.failureText(error));
    this.phase = Phase.Over;
    this.rules.timers.cancel(this.timer);
    this.events?.onClose(error);
  }

  /** As Go names the end of a peer's bytes. */
  private get endText(): string {
    return this.hello?.withinRecord ? "unexpected EOF" : "EOF";
  }

  private onPeerEnded(why: string): void {
    if (this.phase === Phase.Proxy) {
      const held = this.held?.bytes ?? Buffer.alloc(0);
      this.refuse({ kind: "proxy", text: `${unfinishedText(held)}: ${why === "EOF" ? endText(held) : why}` });
    } else if (this.phase >= Phase.Hello && this.phase <= Phase.PeerCheck) {
      this.refuse({ kind: "handshake", text: why });
    }
  }

  /** With TLS only Bun's socket may read, because the kernel holds ciphertext. */
  override readMore(target: Buffer): number {
    return this.tls === null ? super.readMore(target) : 0;
  }

  // Ending

  override end(lingers: boolean, reason: CloseReason): void {
    this.stopGuarding();
    super.end(lingers, reason);
  }

  override terminate(): void {
    if (this.phase === Phase.Over && this.plain !== null && this.tls === null) return this.endRefused();
    if (this.phase === Phase.Over && this.failedEarly) return; // inside Bun's `upgradeTLS` call: `upgrade` ends it afterwards
    this.stopGuarding();
    super.terminate();
    if (this.plain !== null && fdOf(this.plain) >= 0) this.plain.terminate(); // a TLS socket with ciphertext waits for its peer, also in `close`
  }

  /** Ends after a failed handshake. The alert with the reason has been sent, so the peer gets time to read it. */
  private endRefused(): void {
    if (this.timer.active) return super.terminate(); // the second call
    this.rules.timers.set(this.timer, REFUSED_LINGER_MS);
    this.closer.end(this.socket, true);
  }

  private stopGuarding(): void {
    if (this.phase === Phase.Open) return;
    this.phase = Phase.Over;
    this.rules.timers.cancel(this.timer);
    this.held = null;
    this.hello = null;
  }
}

function unverified(error: Error | null, { subject, certSha256 }: PeerCertificate): TransportRefusal {
  const text = verificationErrorText((error as NodeJS.ErrnoException | null)?.code);
  return { kind: "handshake", text: `${text} (${subject} SHA-256: ${certSha256})` };
}
