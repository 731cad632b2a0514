/** An answer that an account owes to another one. */
import { latin1 } from "../../base/bytes/ascii.ts";
import type { ResponseType } from "../trade/trade-options.ts";
import type { Account } from "./account.ts";
import type { LatencyWatch } from "./latency.ts";
import type { ServiceExport } from "./service-export.ts";

/** What becomes of an answer that is owed, besides its delivery. */
export enum ResponseEnd {
  /** It came. */
  Answered,
  /** It came, and nobody took it. */
  Undelivered,
  TimedOut,
  /** Nobody waits for it any more. */
  InterestLost,
}

/** One answer owed, or one stream of answers. */
export class Response {
  /** Where it is published, in the responder's account. */
  readonly address: Uint8Array;
  /** The same as text, one character per byte. */
  readonly subject: string;
  /** Where it is wanted, in the requester's account. */
  readonly reply: Uint8Array;
  /** The same as text, one character per byte. */
  readonly replyKey: string;
  readonly responder: Account;
  readonly requester: Account;
  /** null: an import without an export, of the server's own. */
  readonly export: ServiceExport | null;
  readonly type: ResponseType;
  readonly share: boolean;
  /** Headers of an answer are whatever the responder wrote. */
  readonly introduces = false;
  /** Monotonic, ms: when it was asked for, or last answered. */
  at: number;
  /** null: nobody measures how long it takes. */
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
