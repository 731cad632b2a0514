/**
 * What is checked before a message is stored, in the order of the reference. The first check that does not pass decides.
 *
 *   local        every message ─▶ those with headers ─▶ every message        (jetstream §10.1)
 *   replicated   another order, against what is proposed and not applied     (§10.2, with clusters)
 * A check changes nothing but the `Publishing`, so all of them can run again when messages had to be read from the disk.
 */
import { encode, startsWith } from "../../base/bytes/ascii.ts";
import { quoted } from "../../base/go/strconv.ts";
import { removeHeader, setHeader } from "../../messaging/header/header-write.ts";
import { isValidLiteral, isValidSubject } from "../../messaging/subject/subject.ts";
import type { Message } from "../../store/contract/message.ts";
import { COLD, type MessageStore, StoreRefusal } from "../../store/contract/message-store.ts";
import { INVALID_TTL, parseMessageTtl } from "../../store/expiry/message-ttl.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import { PublishHeader } from "./publish-headers.ts";
import type { PublishRules } from "./publish-rules.ts";
import { type Publishing, Rollup, Verdict } from "./publishing.ts";

/** What the checks need from the stream. */
export interface CheckedStream {
  readonly rules: PublishRules;
  readonly store: MessageStore;
  /** Id of the very last message, its bytes as latin1, so that it compares exactly; empty: it had none; null: not known yet. */
  readonly lastMessageId: string | null;
  /** The server's storage of that kind is used up (`max_memory_store`, `max_file_store`). */
  readonly serverIsFull: boolean;
  /** The sequence of the message with that id, within the window; 0: none; `COLD`: ask again. */
  sequenceOfId(source: Uint8Array, start: number, end: number): number | typeof COLD;
  /** The last sequence that matches a subject with wildcards; `COLD`: ask again. */
  lastMatching(filter: string): number | typeof COLD;
  /** Whether a consumer wants the subject. Asked with retention by interest only. */
  hasInterest(subject: Uint8Array, start: number, end: number): boolean;
  /** The error of the account's limits for this message; null: it fits. */
  accountRefusal(publishing: Publishing): ApiError | null;
}

export type Check = (publishing: Publishing, stream: CheckedStream) => Verdict;

/** The checks of one way to write. */
export interface WriteMode {
  /** For every message, before its headers are read. */
  readonly early: readonly Check[];
  /** For messages with headers that mean something to a stream. */
  readonly headers: readonly Check[];
  /** For every message. */
  readonly late: readonly Check[];
}

const HEADER_BYTES_MAX = 65_535;
/** Bytes of a record beside subject, headers and payload. Source: formats §10.3. */
const RECORD_BYTES = 30;
const HEADER_LENGTH_BYTES = 4;
const STORED_BYTES_MAX = 32 * 1024 * 1024;
const { Cold, Duplicate, Pass, Skip } = Verdict;
const INCREMENT = /^[+-]?\d+$/;

const TOO_LARGE = "maximum payload exceeded";

function refuseUnless(holds: boolean, publishing: Publishing, error: () => ApiError, cause = ""): Verdict {
  return holds ? Pass : publishing.refuse(error(), cause);
}

const fitsRecord: Check = (publishing, { rules }) => {
  const { headerSize, payloadSize, subjectSize } = publishing.message;
  const size = RECORD_BYTES + subjectSize + payloadSize + (headerSize > 0 ? HEADER_LENGTH_BYTES + headerSize : 0);
  if (!rules.isFile || size <= STORED_BYTES_MAX) return Pass;
  return publishing.refuse(apiError("StreamStoreFailed", { err: "message too large" }), "message too large");
};

const isOpen: Check = (publishing, { rules }) => (rules.sealed ? publishing.refuse(apiError("StreamSealed")) : Pass);

const fitsSize: Check = (publishing, { rules }) => {
  const { headerSize, payloadSize } = publishing.message;
  const most = rules.messageBytesMax;
  return most < 0 || headerSize + payloadSize <= most ? Pass : publishing.refuse(apiError("StreamMessageExceedsMaximum"), TOO_LARGE);
};

const fitsMessage: Check = (publishing, stream) => {
  if (fitsSize(publishing, stream) !== Pass) return Verdict.Refuse;
  return publishing.message.headerSize <= HEADER_BYTES_MAX ? Pass : publishing.refuse(apiError("StreamHeaderExceedsMaximum"), TOO_LARGE);
};

/** Streams with counters are not supported yet and cannot be created, so an increment always comes to a stream without them. */
const isNoIncrement: Check = publishing => {
  const { headers } = publishing;
  if (!headers.has(PublishHeader.Increment)) return Pass;
  const isNumber = INCREMENT.test(headers.text(PublishHeader.Increment));
  return publishing.refuse(apiError(isNumber ? "MessageIncrDisabled" : "MessageIncrInvalid"));
};

const isForThisStream: Check = (publishing, { rules }) => {
  const { headers } = publishing;
  const holds = !headers.has(PublishHeader.ExpectedStream) || headers.utf8(PublishHeader.ExpectedStream) === rules.name;
  return refuseUnless(holds, publishing, () => apiError("StreamNotMatch"), "expected stream does not match");
};

const mayHaveTtl: Check = (publishing, { rules }) => {
  const { headers, sourced } = publishing;
  if (sourced || rules.allowTtl || !headers.has(PublishHeader.Ttl)) return Pass;
  const ttl = parseMessageTtl(headers.text(PublishHeader.Ttl));
  const holds = ttl === 0 || ttl === INVALID_TTL;
  return refuseUnless(holds, publishing, () => apiError("MessageTTLDisabled"), "message TTL disabled");
};

const followsSubject: Check = (publishing, stream) => {
  const { headers, message } = publishing;
  const hasOther = headers.has(PublishHeader.ExpectedLastSubjectSequenceSubject);
  if (!headers.has(PublishHeader.ExpectedLastSubjectSequence)) {
    return refuseUnless(!hasOther, publishing, () => apiError("StreamExpectedLastSeqPerSubjectInvalid"));
  }
  const last = hasOther
    ? stream.lastMatching(headers.utf8(PublishHeader.ExpectedLastSubjectSequenceSubject))
    : lastOfSubject(message, stream);
  if (last === COLD) return Cold;
  const expected = headers.number(PublishHeader.ExpectedLastSubjectSequence);
  return last === expected ? Pass : wrongSequence(publishing, last, expected, "last sequence by subject mismatch");
};

/** A message whose own subject has wildcards is compared with all that match them, as in the reference. */
function lastOfSubject({ subject, subjectEnd, subjectStart }: Message, stream: CheckedStream): number | typeof COLD {
  if (isValidLiteral(subject, subjectStart, subjectEnd)) return stream.store.lastOf(subject, subjectStart, subjectEnd);
  return stream.lastMatching(Buffer.from(subject.subarray(subjectStart, subjectEnd)).toString());
}

const followsLast: Check = (publishing, { store }) => {
  const { headers } = publishing;
  if (!headers.has(PublishHeader.ExpectedLastSequence)) return Pass;
  const last = store.state.lastSequence;
  const expected = headers.number(PublishHeader.ExpectedLastSequence);
  return last === expected ? Pass : wrongSequence(publishing, last, expected, "last sequence mismatch");
};

function wrongSequence(publishing: Publishing, last: number, expected: number, cause: string): Verdict {
  return publishing.refuse(apiError("StreamWrongLastSequence", { seq: `${last}` }), `${cause}: ${expected} vs ${last}`);
}

/** Streams with schedules are not supported yet and cannot be created. */
const isNoSchedule: Check = publishing => {
  const { headers, message, sourced } = publishing;
  if (sourced) return Pass;
  if (headers.has(PublishHeader.Schedule) || hasUnknownTimeZone(publishing)) return publishing.refuse(apiError("MessageSchedulesDisabled"));
  const hasScheduler = headers.has(PublishHeader.Scheduler);
  if (!headers.has(PublishHeader.ScheduleNext)) {
    return refuseUnless(!hasScheduler, publishing, () => apiError("MessageSchedulesSchedulerInvalid"));
  }
  const scheduler = encode(headers.utf8(PublishHeader.Scheduler));
  const isValid =
    headers.text(PublishHeader.ScheduleNext) === "purge" &&
    hasScheduler &&
    isValidSubject(scheduler, 0, scheduler.length) &&
    isValidLiteral(scheduler, 0, scheduler.length) &&
    !scheduler.equals(message.subject.subarray(message.subjectStart, message.subjectEnd));
  return publishing.refuse(apiError(isValid ? "MessageSchedulesDisabled" : "MessageSchedulesSchedulerInvalid"));
};

/** Whether the time zone of a schedule is named and unknown: that is an invalid schedule also without one. */
function hasUnknownTimeZone({ headers }: Publishing): boolean {
  if (!headers.hasKey(PublishHeader.ScheduleTimeZone)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: headers.text(PublishHeader.ScheduleTimeZone) });
    return false;
  } catch {
    return true;
  }
}

const hasNoSource: Check = publishing =>
  refuseUnless(publishing.sourced || !publishing.headers.has(PublishHeader.StreamSource), publishing, () =>
    apiError("MessageSourceHdrNotAllowed"),
  );

const isNew: Check = (publishing, stream) => {
  const { headers, message } = publishing;
  if (!headers.has(PublishHeader.MsgId)) return Pass;
  const sequence = stream.sequenceOfId(message.header, headers.start(PublishHeader.MsgId), headers.end(PublishHeader.MsgId));
  if (sequence === COLD) return Cold;
  publishing.duplicateOf = sequence;
  return publishing.duplicateOf === 0 ? Pass : Duplicate;
};

const followsId: Check = (publishing, { lastMessageId }) => {
  const { headers } = publishing;
  if (!headers.has(PublishHeader.ExpectedLastMsgId)) return Pass;
  if (lastMessageId === null) return Cold;
  if (headers.text(PublishHeader.ExpectedLastMsgId) === lastMessageId) return Pass;
  const id = Buffer.from(lastMessageId, "latin1").toString();
  const cause = `last msgid mismatch: ${quoted(headers.utf8(PublishHeader.ExpectedLastMsgId))} vs ${quoted(id)}`;
  return publishing.refuse(apiError("StreamWrongLastMsgID", { id }), cause);
};

const mayRollUp: Check = (publishing, { rules }) => {
  const { headers, sourced } = publishing;
  if (!headers.has(PublishHeader.Rollup)) return Pass;
  if (!rules.allowRollup && !sourced) return noRollup(publishing, "rollup not permitted");
  const value = headers.utf8(PublishHeader.Rollup).toLowerCase();
  const rollup = value === "sub" ? Rollup.Subject : value === "all" ? Rollup.All : Rollup.None;
  if (rollup === Rollup.None) return noRollup(publishing, `rollup value invalid: ${quoted(value)}`);
  if (rules.allowRollup) publishing.rollup = rollup;
  return Pass;
};

function noRollup(publishing: Publishing, err: string): Verdict {
  return publishing.refuse(apiError("StreamRollupFailed", { err }), err);
}

const serverHasRoom: Check = (publishing, { serverIsFull }) => (serverIsFull ? publishing.refuse(apiError("InsufficientResources")) : Pass);

const isWanted: Check = ({ message }, stream) => {
  if (!stream.rules.byInterest) return Pass;
  return stream.hasInterest(message.subject, message.subjectStart, message.subjectEnd) ? Pass : Skip;
};

const isTraced: Check = publishing => {
  publishing.traced?.pass(publishing.subjectText, false);
  return Pass;
};

const accountHasRoom: Check = (publishing, stream) => {
  const error = stream.accountRefusal(publishing);
  return error === null ? Pass : publishing.refuse(error);
};

/** Also raises a time to live below that of subject markers, so that a marker is never missed. */
const hasValidTtl: Check = (publishing, { rules }) => {
  const { headers } = publishing;
  if (!headers.any || !headers.has(PublishHeader.Ttl)) return Pass;
  const ttl = parseMessageTtl(headers.text(PublishHeader.Ttl));
  if (ttl === INVALID_TTL) return publishing.refuse(apiError("MessageTTLInvalid"));
  publishing.ttlSeconds = ttl;
  if (ttl > 0 && ttl < rules.ttlMinSeconds) {
    publishing.ttlSeconds = rules.ttlMinSeconds;
    publishing.replaceHeader(setHeader(publishing.headerBlock, "Nats-TTL", `${rules.ttlMinSeconds}`));
  }
  return Pass;
};

const STORE_ERRORS: Record<number, string> = {
  [StoreRefusal.TooLarge]: "message too large",
  [StoreRefusal.MaxMessages]: "maximum messages exceeded",
  [StoreRefusal.MaxBytes]: "maximum bytes exceeded",
  [StoreRefusal.MaxMessagesPerSubject]: "maximum messages per subject exceeded",
  [StoreRefusal.Closed]: "store is closed",
};

const storeTakes: Check = (publishing, { store }) => {
  const refusal = store.check(publishing.message);
  if (refusal === COLD) return Cold;
  if (refusal === StoreRefusal.None) return Pass;
  if (refusal === StoreRefusal.NoSpace) return publishing.refuse(apiError("InsufficientResources"));
  if (refusal === StoreRefusal.Failed) return publishing.refuse(storeFailure(store.failure!));
  const err = STORE_ERRORS[refusal]!;
  return publishing.refuse(apiError("StreamStoreFailed", { err }), err);
};

/** What publishers hear of an error of the disk. */
export function storeFailure(error: Error): ApiError {
  return isOutOfSpace(error) ? apiError("InsufficientResources") : apiError("StreamStoreFailed", { err: error.message });
}

export function isOutOfSpace({ code }: NodeJS.ErrnoException): boolean {
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Removes what an import added about the publisher. */
const hidePublisher: Check = publishing => {
  if (publishing.headers.has(PublishHeader.RequestInfo))
    publishing.replaceHeader(removeHeader(publishing.headerBlock, "Nats-Request-Info"));
  return Pass;
};

export const LOCAL_WRITES: WriteMode = {
  early: [fitsRecord, isOpen],
  headers: [
    isNoIncrement,
    isForThisStream,
    mayHaveTtl,
    followsSubject,
    followsLast,
    isNoSchedule,
    hasNoSource,
    isNew,
    followsId,
    mayRollUp,
    fitsMessage, // once more, for the rewritten message
  ],
  late: [serverHasRoom, isWanted, isTraced, accountHasRoom, hasValidTtl, storeTakes],
};

/** Checks of a message that is traced and not stored: as in the reference, those that look at the room that it would need are left out. */
export const TRACE_ONLY: WriteMode = { ...LOCAL_WRITES, late: [serverHasRoom, isWanted, isTraced] };

const FAST_BATCH_REPLY = encode(".$FI");

const SERVICE_REPLY = encode("_R_.");

/** Whether the message belongs to a fast batch, which its reply subject says, or the one that it had before an import. */
function isOfFastBatch({ headers, reply, replyEnd, replyStart }: Publishing): boolean {
  if (replyEnd - replyStart <= FAST_BATCH_REPLY.length) return false;
  if (startsWith(reply, replyEnd - FAST_BATCH_REPLY.length, replyEnd, FAST_BATCH_REPLY)) return true;
  if (!headers.any || !headers.has(PublishHeader.RequestInfo) || !startsWith(reply, replyStart, replyEnd, SERVICE_REPLY)) return false;
  return replyBefore(headers.utf8(PublishHeader.RequestInfo)).endsWith(".$FI");
}

/** The requester's reply; empty: it is not told. */
function replyBefore(requestInfo: string): string {
  try {
    const { reply } = JSON.parse(requestInfo) as { reply?: unknown };
    return typeof reply === "string" ? reply : "";
  } catch {
    return "";
  }
}

/** Batches are not supported yet: streams that allow them cannot be created, so a message of a batch is refused as by any other stream. */
const isNoBatch: Check = publishing => {
  const isFast = isOfFastBatch(publishing);
  if (!isFast && !publishing.headers.has(PublishHeader.BatchId)) return Pass;
  return publishing.refuse(apiError(isFast ? "BatchPublishDisabled" : "AtomicPublishDisabled"));
};

const BATCH_CHECKS: readonly Check[] = [isOpen, serverHasRoom, accountHasRoom, fitsSize, isNoBatch];

/** @returns the first verdict that is not `Pass` */
export function checkPublishing(publishing: Publishing, stream: CheckedStream, mode: WriteMode): Verdict {
  publishing.begin();
  if ((publishing.headers.any && publishing.headers.has(PublishHeader.BatchId)) || isOfFastBatch(publishing)) {
    return firstOf(BATCH_CHECKS, publishing, stream);
  }
  let verdict = firstOf(mode.early, publishing, stream);
  if (verdict !== Pass) return verdict;
  if (publishing.message.headerSize > 0) {
    if (publishing.headers.any) hidePublisher(publishing, stream);
    verdict = fitsMessage(publishing, stream);
    if (verdict === Pass && publishing.headers.any) verdict = firstOf(mode.headers, publishing, stream);
  } else verdict = fitsMessage(publishing, stream);
  return verdict === Pass ? firstOf(mode.late, publishing, stream) : verdict;
}

function firstOf(checks: readonly Check[], publishing: Publishing, stream: CheckedStream): Verdict {
  for (let i = 0; i < checks.length; i++) {
    const verdict = checks[i](publishing, stream);
    if (verdict !== Pass) return verdict;
  }
  return Pass;
}
