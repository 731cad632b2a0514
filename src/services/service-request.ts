/** A request to one of the server's own services. A copy of the message, so that it stays valid after the delivery. */
import type { MessageBatch } from "../messaging/batch/message-batch.ts";
import type { Originator } from "../messaging/batch/originator.ts";
import { HeaderKey, headerText } from "../messaging/header/header-read.ts";

const ACCEPT_ENCODING = new HeaderKey("Accept-Encoding");
const REQUEST_INFO = new HeaderKey("Nats-Request-Info");

export class ServiceRequest {
  readonly subject: string;
  /** Empty: no answer is wanted. */
  readonly reply: string;
  readonly body: Buffer;
  /** The client that published it; null: this server, or another one. */
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

  /** Encodings that the requester accepts for the answer; empty: none. */
  get acceptEncoding(): string {
    return this.headerText(ACCEPT_ENCODING) ?? "";
  }

  /** JSON about the requester, added by a service import; null: the request was published in this account. */
  get requestInfo(): string | null {
    return this.headerText(REQUEST_INFO);
  }

  /** The first value of a key; null: the request does not have it. */
  headerText(key: HeaderKey): string | null {
    return headerText(this.header, 0, this.header.length, key);
  }

  /** A token of the subject, counted from 0; empty when there is none. */
  token(index: number): string {
    return this.subject.split(".")[index] ?? "";
  }
}

export type ServiceHandler = (request: ServiceRequest) => void;
