/**
 * Decides whether a message is traced: once, before it is mapped, checked and counted.
 *
 *   headers ─▶ destination ─▶ sampled? ─▶ a valid subject? ─▶ may the publisher publish there? ─▶ MessageTrace
 * A message that asks for a trace without delivery is dropped if it cannot be traced.
 * Source: reference, msgtrace (behaviour); core §9.6.
 */
import { encode, quote } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { isValidPublishSubject } from "../subject/subject.ts";
import { MessageTrace, type TracedParty } from "./message-trace.ts";
import { headerFields, TRACE_DESTINATION, TRACE_ONLY, TRACE_ORIGIN_ACCOUNT, TraceWish } from "./trace-headers.ts";

/** The publisher of traced messages. */
export interface TracedPublisher extends TracedParty {
  /** Its account's destination for messages whose `traceparent` asks for a trace, and the percentage that is traced; null: none is traced. */
  readonly externalTrace: { readonly destination: string; readonly sampling: number } | null;
  mayReportTo(destination: Uint8Array): boolean;
  /** Whether there is a subscription that would get the event. */
  isHeardOn(destination: Uint8Array): boolean;
  /** Sends the client the error that it may not publish on this subject. */
  refuseSubject(subject: Uint8Array): void;
  logError(text: string): void;
}

/** A message with headers. */
export interface TraceCandidate {
  readonly source: Uint8Array;
  readonly headerStart: number;
  /** End of the part of the block that is available. */
  readonly headerEnd: number;
  /** Headers and payload. */
  readonly bytes: number;
  readonly subject: string;
}

export interface TraceStart {
  /** null: it is not traced. */
  readonly trace: MessageTrace | null;
  /** The message is dropped. */
  readonly skip: boolean;
  /** Later servers must not trace the message either. */
  readonly disable: boolean;
}

const UNTRACED: TraceStart = { trace: null, skip: false, disable: false };
const SKIPPED: TraceStart = { trace: null, skip: true, disable: false };
const DISABLED: TraceStart = { trace: null, skip: false, disable: true };

/** @param wish not None. @param now wall clock, ms */
export function startTrace(
  publisher: TracedPublisher,
  wish: TraceWish,
  message: TraceCandidate,
  random: Random,
  now: () => number,
): TraceStart {
  const fields = headerFields(message.source, message.headerStart, message.headerEnd);
  const first = (key: string) => fields.get(key)?.[0] ?? "";
  const external = wish === TraceWish.External;
  const only = !external && isOn(first(TRACE_ONLY));
  const origin = first(TRACE_ORIGIN_ACCOUNT);
  if (origin !== "") {
    publisher.logError(`Message tracing disabled because of header "${TRACE_ORIGIN_ACCOUNT}" with value=${quote(encode(origin))}`);
    return only ? SKIPPED : DISABLED;
  }
  let destination = first(TRACE_DESTINATION);
  if (external) {
    const account = publisher.externalTrace;
    if (account === null) return UNTRACED;
    if (!isSampled(account.sampling, random)) return DISABLED;
    destination = account.destination;
  }
  const subject = encode(destination);
  if (!isValidPublishSubject(subject, 0, subject.length)) {
    publisher.logError(`Destination ${quote(subject)} is not valid, won't be able to trace events`);
    return only ? SKIPPED : UNTRACED;
  }
  if (!publisher.mayReportTo(subject)) {
    publisher.refuseSubject(subject);
    return SKIPPED;
  }
  const silent = !publisher.isHeardOn(subject);
  return { trace: new MessageTrace(destination, only, publisher, { ...message, fields }, now, silent), skip: false, disable: false };
}

function isOn(value: string): boolean {
  return value !== "" && ["1", "true", "on"].includes(value.toLowerCase());
}

/** The reference's comparison, which traces one percent more than configured. */
export function isSampled(percent: number, random: Random): boolean {
  return percent <= 0 || percent >= 100 || random.below(100) <= percent;
}
