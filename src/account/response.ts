/** An answer that an account owes to another one. */
import type { ResponseType } from "../config/account-options.ts";
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
  /** In the responder's account. */
  readonly subject: string;
  /** In the requester's. */
  readonly reply: Uint8Array;
  readonly requester: Account;
  /** null: an import without an export, of the server's own. */
  readonly export: ServiceExport | null;
  readonly type: ResponseType;
  readonly share: boolean;
  /** Monotonic, ms: when it was asked for, or last answered. */
  at: number;
  /** null: nobody measures how long it takes. */
  watcher: LatencyWatch | null = null;

  constructor(
    subject: string,
    reply: Uint8Array,
    requester: Account,
    from: ServiceExport | null,
    type: ResponseType,
    share: boolean,
    at: number,
  ) {
    this.subject = subject;
    this.reply = reply;
    this.requester = requester;
    this.export = from;
    this.type = type;
    this.share = share;
    this.at = at;
  }
}
