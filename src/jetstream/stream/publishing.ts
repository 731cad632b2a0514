/** One message on its way into a stream: its bytes, and what the checks found out about it. There is one per stream, reused for every message. */

import type { StreamTrace } from "../../messaging/trace/message-trace.ts";
import { Message } from "../../store/contract/message.ts";
import type { ApiError } from "../error/api-error.ts";
import { PublishHeaders } from "./publish-headers.ts";

/** What a check says. */
export enum Verdict {
  /** The next check decides. */
  Pass = 0,
  /** Refused with `Publishing.refusal`; nothing is stored. */
  Refuse,
  /** Known by its id: answered with the sequence of the first one. */
  Duplicate,
  /** Nobody is interested: its sequence is used up, nothing is stored. */
  Skip,
  /** The answer needs messages that are not in memory: ask again after `MessageStore.warm`. */
  Cold,
}

export enum Rollup {
  None = 0,
  Subject,
  All,
}

const EMPTY = new Uint8Array(0);

export class Publishing {
  readonly message = new Message();
  readonly headers = new PublishHeaders();
  reply: Uint8Array = EMPTY;
  replyStart = 0;
  replyEnd = 0;
  /** It comes from a mirror's or source's origin: checks that its origin made are left out. */
  sourced = false;
  /** null: it is not traced. */
  traced: StreamTrace | null = null;
  /** It is traced and not stored. */
  traceOnly = false;
  refusal: ApiError | null = null;
  /** Why it was refused, as its trace says it; empty: as the refusal says it. */
  cause = "";
  /** Sequence of the message with the same id. */
  duplicateOf = 0;
  /** See `MessageStore.append`. */
  ttlSeconds = 0;
  rollup = Rollup.None;

  get hasReply(): boolean {
    return this.replyEnd > this.replyStart;
  }

  setReply(source: Uint8Array, start: number, end: number): void {
    this.reply = source;
    this.replyStart = start;
    this.replyEnd = end;
  }

  setTrace(traced: StreamTrace | null, traceOnly: boolean): void {
    this.traced = traced;
    this.traceOnly = traceOnly;
  }

  /** Sets what the checks find out. */
  begin(): void {
    this.refusal = null;
    this.cause = "";
    this.duplicateOf = 0;
    this.ttlSeconds = 0;
    this.rollup = Rollup.None;
  }

  /** @param cause see there */
  refuse(error: ApiError, cause = ""): Verdict {
    this.refusal = error;
    this.cause = cause;
    return Verdict.Refuse;
  }

  /** Replaces the header block. @param block null: no headers */
  replaceHeader(block: Uint8Array | null): void {
    const { headers, message } = this;
    if (block === null) {
      message.setHeader(EMPTY, 0, 0);
      headers.clear();
      return;
    }
    message.setHeader(block, 0, block.length);
    headers.read(block, 0, block.length);
  }

  get subjectText(): string {
    const { subject, subjectEnd, subjectStart } = this.message;
    return Buffer.from(subject.subarray(subjectStart, subjectEnd)).toString();
  }

  /** Header block as a view of borrowed bytes. */
  get headerBlock(): Uint8Array {
    const { header, headerEnd, headerStart } = this.message;
    return header.subarray(headerStart, headerEnd);
  }
}
