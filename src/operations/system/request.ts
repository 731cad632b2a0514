/**
 * Requests to the server's own services: taken out of the delivery they came in, and worked on when that is over.
 *
 *   delivery ─▶ LocalSubscriber ─▶ RequestQueue: copied ─ ─ next turn of the event loop ─ ─▶ handler ─▶ answer
 * Not within the delivery: a request may close connections, load another configuration, or list ten thousand clients. What a handler
 * throws is our mistake: it is logged, and the requester hears nothing.
 */
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Originator } from "../../messaging/batch/originator.ts";
import { HeaderKey, headerText } from "../../messaging/header/header-read.ts";

/** Requests that wait; what comes beyond is dropped. */
const WAITING_MAX = 10_000;

const ACCEPT_ENCODING = new HeaderKey("Accept-Encoding");
const REQUEST_INFO = new HeaderKey("Nats-Request-Info");

export class ServiceRequest {
  readonly subject: string;
  /** Empty: no answer is wanted. */
  readonly reply: string;
  readonly body: Buffer;
  /** The client that published it; null: the server itself, or another one. */
  readonly originator: Originator | null;
  private readonly header: Buffer;

  /** Copies the message at `index`. */
  constructor(batch: MessageBatch, index: number) {
    this.subject = batch.subjectText(index);
    this.reply = batch.replyText(index);
    this.header = Buffer.from(batch.header(index));
    this.body = Buffer.from(batch.payload(index));
    this.originator = batch.originator;
  }

  get hasHeader(): boolean {
    return this.header.length > 0;
  }

  /** How the answer may be encoded; empty: as it is. */
  get acceptEncoding(): string {
    return headerText(this.header, 0, this.header.length, ACCEPT_ENCODING) ?? "";
  }

  /** What an import has said of the requester, JSON; null: the request was published in this account. */
  get requestInfo(): string | null {
    return headerText(this.header, 0, this.header.length, REQUEST_INFO);
  }

  /** A token of the subject, from 0 on. */
  token(index: number): string {
    return this.subject.split(".")[index] ?? "";
  }
}

export type ServiceHandler = (request: ServiceRequest) => void;

export interface QueueLog {
  warnRateLimited(text: string): void;
  error(text: string): void;
}

export class RequestQueue {
  private readonly log: QueueLog;
  private readonly endTurn: () => void;
  private waiting: { readonly request: ServiceRequest; readonly handler: ServiceHandler }[] = [];
  private scheduled = false;
  private stopped = false;

  /** @param endTurn writes what handlers have sent */
  constructor(log: QueueLog, endTurn: () => void) {
    this.log = log;
    this.endTurn = endTurn;
  }

  push(request: ServiceRequest, handler: ServiceHandler): void {
    if (this.stopped) return;
    if (this.waiting.length >= WAITING_MAX) return this.log.warnRateLimited("System services: too many requests, some are dropped");
    this.waiting.push({ request, handler });
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.run());
  }

  /** Nothing is handled any more. */
  stop(): void {
    this.stopped = true;
    this.waiting = [];
  }

  private run(): void {
    this.scheduled = false;
    const { waiting } = this;
    this.waiting = [];
    for (const { request, handler } of waiting) {
      if (this.stopped) return;
      this.guard(request, () => handler(request));
    }
    this.endTurn();
  }

  /** Runs part of a handler; also for those that go on later. */
  guard(request: ServiceRequest, part: () => void): void {
    try {
      part();
    } catch (error) {
      this.log.error(`System service ${request.subject} failed: ${(error as Error).stack ?? error}`);
    }
  }
}
