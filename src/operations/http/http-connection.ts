/**
 * One connection to an HTTP port: requests one after the other, each answered before the next one is read.
 *
 *   Idle ── first byte ──▶ Head ── complete ──▶ Working ── answer begins ──▶ Sending ── sent ──▶ Idle, or Closing
 *                           │ after 5 s: closed   │ shares of the scheduler    │ one piece at a time, as the peer reads
 *                           └ malformed: 400      └ long answers: TaskQueue     └ nothing is kept for a slow reader but one piece
 * Answers never run within the event that brought the request: a peer that asks again and again, or connects again and again, waits
 * for its next turn like all others.
 * Source: Go's HTTP server with the reference's settings.
 */
import { type TimingWheel, WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Scheduler, Task } from "../../base/scheduling/scheduler.ts";
import { isSliced, PAUSE, type Sliced, STEP_UNITS } from "../../base/scheduling/sliced.ts";
import type { TaskQueue } from "../../base/scheduling/task-queue.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { hostPort } from "../../wire/transport/host-port.ts";
import type { Transport, TransportEvents, TransportRefusal } from "../../wire/transport/transport.ts";
import { type Answering, type HttpAnswer, plainText, STATUS_TEXTS } from "./http-answer.ts";
import { HttpRequest } from "./http-request.ts";
import { endOfHead, HEAD_BYTES_MAX, type RefusedHead, readHead } from "./request-head.ts";

/** Time limit for a head, ms, as in the reference: from the connection on, then from the first byte of each request on. */
const HEAD_MS = 5_000;
/** Time for a peer to read the last answer and end its side. */
const LINGER_MS = 500;
/** Body of a request that is read and dropped; a longer one ends the connection. */
const BODY_BYTES_MAX = 256 * 1024;
/** Answers up to this size are sent with their length, longer ones in chunks, bytes. */
const WHOLE_BYTES_MAX = 64 * 1024;
/** Bytes that may wait for an answer before the socket is paused. */
const RECEIVED_BYTES_MAX = 64 * 1024;

/** The answer to plain HTTP on a port with TLS. */
const HTTPS_EXPECTED = Buffer.from("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");

const NOTHING: Buffer = Buffer.alloc(0);

/** What connections need from their server. */
export interface HttpHost {
  readonly timers: TimingWheel;
  /** Wall clock. */
  readonly clock: { now(): number };
  readonly scheduler: Pick<Scheduler, "add" | "meter">;
  /** For answers that take more than one slice. */
  readonly longAnswers: TaskQueue;
  /** May refuse by an answer; an exception is a programming error. */
  answer(request: HttpRequest): Answering;
  /** One of our handlers threw. */
  onDefect(error: Error): void;
  /** A TLS handshake failed. @param peer address and port */
  onHandshakeFailed(peer: string, text: string): void;
}

enum State {
  Idle,
  Head,
  Working,
  Sending,
  Closing,
  Closed,
}

export class HttpConnection implements TransportEvents, Task {
  private readonly below: Transport;
  private readonly host: HttpHost;
  private readonly onEnded: () => void;
  private readonly timer: WheelTimer;
  private state = State.Head;
  private received: Buffer = NOTHING;
  /** Searched bytes of `received`. */
  private searched = 0;
  /** Bytes of the last request's body that have not arrived yet. */
  private bodyLeft = 0;
  private paused = false;
  private peerEnded = false;
  private request: HttpRequest | null = null;
  private computing: Sliced<HttpAnswer> | null = null;
  private pieces: Iterator<string, void> | null = null;
  /** An answer before its head is sent: head without length, and the pieces so far. */
  private head: HttpAnswer | null = null;
  private whole: Buffer[] = [];
  private wholeBytes = 0;
  private chunked = false;
  private closes = false;
  /** Bytes that the kernel has not accepted yet. */
  private output: Buffer = NOTHING;
  private outputAt = 0;
  private inQueue = false;

  /** @param onEnded called once, when the transport is closed */
  constructor(below: Transport, host: HttpHost, onEnded: () => void) {
    this.below = below;
    this.host = host;
    this.onEnded = onEnded;
    this.timer = new WheelTimer(() => this.below.terminate());
    if (!below.handshaking) host.timers.set(this.timer, HEAD_MS);
  }

  // Reading

  onData(chunk: Buffer): void {
    if (this.state >= State.Closing) return; // dropped, so that unread bytes do not cause a reset that loses the answer
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    if (this.state <= State.Head) this.readRequest();
    else if (this.received.length > RECEIVED_BYTES_MAX && !this.paused) {
      this.paused = true;
      this.below.pause();
    }
  }

  private readRequest(): void {
    if (this.bodyLeft > 0) {
      const dropped = Math.min(this.bodyLeft, this.received.length);
      this.bodyLeft -= dropped;
      this.received = this.received.subarray(dropped);
    }
    if (this.received.length === 0) return;
    if (this.state === State.Idle) {
      this.state = State.Head;
      this.host.timers.set(this.timer, HEAD_MS);
    }
    const end = endOfHead(this.received, this.searched);
    if (end === -1 ? this.received.length > HEAD_BYTES_MAX : end > HEAD_BYTES_MAX) {
      return this.refuse({ status: "431 Request Header Fields Too Large" });
    }
    if (end === -1) {
      this.searched = this.received.length;
      return;
    }
    this.searched = 0;
    this.host.timers.cancel(this.timer);
    const head = readHead(this.received.toString("latin1", 0, end));
    this.received = this.received.subarray(end);
    if ("status" in head) return this.refuse(head);
    this.bodyLeft = head.bodyBytes;
    this.closes = head.close || head.bodyBytes > BODY_BYTES_MAX;
    this.request = new HttpRequest(head, this.below.remoteAddress);
    this.state = State.Working;
    this.host.scheduler.add(this);
  }

  /** Answers a malformed request and ends the connection. */
  private refuse({ status }: RefusedHead): void {
    this.closes = true;
    this.state = State.Sending;
    this.send(Buffer.from(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`));
    if (this.output.length === 0) this.finishAnswer();
  }

  // Answering

  /** A share of the answer. */
  work(): boolean {
    const { meter } = this.host.scheduler;
    try {
      while (!meter.exhausted) {
        if (this.advance()) return false;
        meter.add(STEP_UNITS);
      }
    } catch (error) {
      this.fail(error as Error);
      return false;
    }
    return this.inQueue || !this.enqueue();
  }

  /** @returns whether there is nothing to do at present */
  private advance(): boolean {
    if (this.state === State.Working) return this.compute();
    if (this.state === State.Sending && this.output.length === 0) return this.sendNextPiece();
    return true;
  }

  private compute(): boolean {
    if (this.computing === null) {
      const answer = this.host.answer(this.request!);
      if (answer instanceof Promise) {
        answer.then(
          later => this.state === State.Working && this.begin(later) && this.host.scheduler.add(this),
          (error: Error) => this.fail(error),
        );
        return true;
      }
      if (!isSliced(answer)) return !this.begin(answer);
      this.computing = answer;
    }
    const { done, value } = this.computing.next();
    if (done) {
      this.computing = null;
      return !this.begin(value as HttpAnswer);
    }
    return value !== PAUSE;
  }

  /** An answer that takes more than one share leaves the scheduler for the queue of long answers. */
  private enqueue(): boolean {
    this.inQueue = true;
    if (this.state !== State.Working) this.host.longAnswers.resume(this);
    else if (!this.host.longAnswers.start(this)) {
      this.computing = null;
      this.closes = true;
      this.begin(plainText("too many requests\n", 503));
    }
    return true;
  }

  /** @returns whether pieces follow */
  private begin(answer: HttpAnswer): boolean {
    const { body } = answer;
    this.state = State.Sending;
    if (typeof body === "string" || body instanceof Uint8Array) {
      const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      this.sendWhole(answer, bytes);
      return false;
    }
    if (this.request!.method === "HEAD") {
      this.sendWhole(answer, null);
      return false;
    }
    this.pieces = body;
    this.head = answer;
    return true;
  }

  /** @param body null: its length is unknown, and it is not sent */
  private sendWhole(answer: HttpAnswer, body: Buffer | null): void {
    const head = Buffer.from(this.headOf(answer, body === null ? "" : `Content-Length: ${body.length}\r\n`));
    this.send(body === null || this.request!.method === "HEAD" ? head : Buffer.concat([head, body]));
    if (this.output.length === 0) this.finishAnswer();
  }

  private headOf({ status, headers }: HttpAnswer, length: string): string {
    const { minorVersion } = this.request!;
    let head = `HTTP/1.${minorVersion} ${status} ${STATUS_TEXTS[status]}\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    head += `Date: ${new Date(this.host.clock.now()).toUTCString()}\r\n${length}`;
    if (minorVersion === 0 ? !this.closes : this.closes) head += `Connection: ${this.closes ? "close" : "keep-alive"}\r\n`;
    return `${head}\r\n`;
  }

  private sendNextPiece(): boolean {
    if (this.pieces === null) return true;
    const { done, value } = this.pieces.next();
    const bytes = done || value === "" ? NOTHING : Buffer.from(value);
    if (this.head !== null) {
      this.whole.push(bytes);
      this.wholeBytes += bytes.length;
      if (done) {
        const answer = this.head;
        const body = Buffer.concat(this.whole);
        this.forgetPieces();
        this.sendWhole(answer, body);
        return true;
      }
      if (this.wholeBytes > WHOLE_BYTES_MAX) this.beginChunks();
      return this.output.length > 0;
    }
    if (done) {
      this.forgetPieces();
      this.send(this.chunked ? Buffer.from("0\r\n\r\n") : NOTHING);
      if (this.output.length === 0) this.finishAnswer();
      return true;
    }
    this.sendChunk(bytes);
    return this.output.length > 0; // continues with `onDrain`
  }

  private beginChunks(): void {
    this.chunked = this.request!.minorVersion === 1;
    if (!this.chunked) this.closes = true; // the end of the connection ends the body
    const answer = this.head!;
    const body = Buffer.concat(this.whole);
    this.head = null;
    this.whole = [];
    this.send(Buffer.from(this.headOf(answer, this.chunked ? "Transfer-Encoding: chunked\r\n" : "")));
    this.sendChunk(body);
  }

  private sendChunk(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (!this.chunked) return this.send(bytes);
    this.send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]));
  }

  private forgetPieces(): void {
    this.pieces = null;
    this.head = null;
    this.whole = [];
    this.wholeBytes = 0;
  }

  private finishAnswer(): void {
    if (this.state === State.Closed) return;
    this.forgetPieces();
    this.request = null;
    this.inQueue = false;
    if (this.closes || this.peerEnded) {
      this.state = State.Closing;
      this.received = NOTHING;
      if (this.paused) this.below.resume();
      this.below.end(!this.peerEnded, CloseReason.ClientClosed);
      this.host.timers.set(this.timer, LINGER_MS);
      return;
    }
    this.state = State.Idle;
    if (this.paused) {
      this.paused = false;
      this.below.resume();
    }
    this.readRequest();
  }

  private fail(error: Error): void {
    this.host.onDefect(error);
    if (this.state !== State.Working) return this.below.terminate();
    this.computing = null;
    this.begin(plainText("Internal Server Error\n", 500));
  }

  // Writing

  private send(bytes: Buffer): void {
    if (this.state === State.Closed) return;
    if (this.output.length > 0) {
      this.output = Buffer.concat([this.output.subarray(this.outputAt), bytes]);
      this.outputAt = 0;
      return;
    }
    const written = bytes.length === 0 ? 0 : this.below.write(bytes, 0, bytes.length);
    if (written < 0) return this.below.terminate();
    if (written === bytes.length) return;
    this.output = bytes;
    this.outputAt = written;
  }

  onDrain(): void {
    if (this.output.length === 0) return;
    const written = this.below.write(this.output, this.outputAt, this.output.length - this.outputAt);
    if (written < 0) return this.below.terminate();
    this.outputAt += written;
    if (this.outputAt < this.output.length) return;
    this.output = NOTHING;
    this.outputAt = 0;
    if (this.state !== State.Sending) return;
    if (this.pieces === null) this.finishAnswer();
    else {
      this.inQueue = true;
      this.host.longAnswers.resume(this);
    }
  }

  // Other events of the transport

  onHandshakeStart(): void {}

  onPeerSilent(): void {}

  onReady(): void {
    this.host.timers.set(this.timer, HEAD_MS);
  }

  onRefused({ text, asksForHttp = false }: TransportRefusal): void {
    const { remoteAddress, remotePort } = this.below;
    this.host.onHandshakeFailed(hostPort(remoteAddress, remotePort), asksForHttp ? "client sent an HTTP request to an HTTPS server" : text);
    this.state = State.Closing;
    if (!asksForHttp) return this.below.terminate();
    this.below.write(HTTPS_EXPECTED, 0, HTTPS_EXPECTED.length); // before the handshake, so unencrypted
    this.below.end(true, CloseReason.ClientClosed);
    this.host.timers.set(this.timer, LINGER_MS);
  }

  onEnd(): void {
    this.peerEnded = true;
    if (this.state === State.Working || this.state === State.Sending) return; // it may still read the answer
    this.below.end(false, CloseReason.ClientClosed);
  }

  onReadFailed(): void {
    this.below.terminate();
  }

  onClose(): void {
    if (this.state === State.Closed) return;
    this.state = State.Closed;
    this.host.timers.cancel(this.timer);
    this.request?.abort();
    this.computing?.return(undefined as never);
    this.pieces?.return?.();
    this.forgetPieces();
    this.computing = null;
    this.onEnded();
  }

  terminate(): void {
    this.below.terminate();
  }
}
