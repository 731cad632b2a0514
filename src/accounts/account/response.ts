/** A pending answer from one account to another. */
import { latin1 } from "../../base/bytes/ascii.ts";
import type { ResponseType } from "../trade/trade-options.ts";
import type { Account } from "./account.ts";
import type { LatencyWatch } from "./latency.ts";
import type { ServiceExport } from "./service-export.ts";

/** Observes the outcome of a pending answer. */
export enum ResponseEnd {
  /** The answer arrived. */
  Answered,
  /** The answer arrived but had no receiver. */
  Undelivered,
  TimedOut,
  /** The requester no longer waits. */
  InterestLost,
}

/** One pending answer, or one stream of answers. */
export class Response {
  /** Subject in the responder's account. */
  readonly address: Uint8Array;
  /** The same as text, one character per byte. */
  readonly subject: string;
  /** Reply subject in the requester's account. */
  readonly reply: Uint8Array;
  /** The same as text, one character per byte. */
  readonly replyKey: string;
  readonly responder: Account;
  readonly requester: Account;
  /** null: a server-internal import without an export. */
  readonly export: ServiceExport | null;
  readonly type: ResponseType;
  readonly share: boolean;
  /** Answers keep the responder's headers, so this step adds no Nats-Request-Info. */
  readonly introduces = false;
  /** Time of the request or of the last answer. Monotonic, ms. */
  at: number;
  /** null: the latency is not measured. */
  watcher: LatencyWatch | null = null;

  constructor(
    address: Uint8Array,
    reply: Uint8Array,
    responder: Account,
    requester: Account,
    from: ServiceExport | null,
    type: ResponseType,
    share: boolean,
    at: number,
  ) {
    this.address = address;
    this.subject = latin1(address, 0, address.length);
    this.reply = reply;
    this.replyKey = latin1(reply, 0, reply.length);
    this.responder = responder;
    this.requester = requester;
    this.export = from;
    this.type = type;
    this.share = share;
    this.at = at;
  }
}
