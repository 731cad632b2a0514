/**
 * Publishes batches in which messages may be traced: message by message.
 *
 *   batch with headers ─ mightBeTraced? ─▶ each message: startTrace ─▶ mapped ─▶ checked, delivered ─▶ its event is published
 * A batch without headers costs nothing; a batch with headers costs a search in each header block.
 * Source: reference, msgtrace and client (behaviour); core §9.6.
 */
import { decode } from "../../base/bytes/ascii.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { setHeader } from "../../messaging/header/header-write.ts";
import type { MessageTrace } from "../../messaging/trace/message-trace.ts";
import { startTrace, type TraceCandidate, type TracedPublisher, type TraceStart } from "../../messaging/trace/start-trace.ts";
import { sendTrace } from "../../messaging/trace/trace-event.ts";
import { mightBeTraced, TRACE_DESTINATION, TRACE_DISABLED, TraceWish, traceWish } from "../../messaging/trace/trace-headers.ts";
import type { Client } from "./client.ts";
import { takeMapped } from "./mapped-publishing.ts";
import { isReservedSubject } from "./reserved-subject.ts";

const UNTRACED: TraceStart = { trace: null, skip: false, disable: false };
const LF = 0x0a;

/** Whether at least one message of a batch with headers may ask for a trace. */
export function mayBeTraced({ account }: Client, batch: MessageBatch): boolean {
  const { source, count } = batch;
  const external = account.trace !== null;
  for (let index = 0; index < count; index++) {
    const size = batch.headerSize(index);
    if (size <= 0) continue;
    const start = batch.start(index);
    if (external ? traceWish(source, start, start + size) !== TraceWish.None : mightBeTraced(source, start, start + size)) return true;
  }
  return false;
}

/**
 * Adds message `index` to an empty batch, under its mapped subject, and begins its trace if it asks for one.
 * @returns false: the message must not be published
 */
export function takeTraced(client: Client, batch: MessageBatch, index: number, single: MessageBatch): boolean {
  const { trace, skip, disable } = batch.headerSize(index) > 0 ? begin(client, batch, index) : UNTRACED;
  if (skip) return false;
  const mapped = takeMapped(client, batch, index, single);
  if (disable) disableTracing(single);
  client.inMessages++;
  client.inBytes += single.bytes;
  single.trace = trace;
  if (mapped !== null) trace?.addMapping(decode(mapped));
  return true;
}

function begin(client: Client, batch: MessageBatch, index: number): TraceStart {
  const start = batch.start(index);
  return startIn(client, {
    source: batch.source,
    headerStart: start,
    headerEnd: start + batch.headerSize(index),
    bytes: batch.end(index) - start,
    subject: batch.subjectText(index),
  });
}

function startIn(client: Client, message: TraceCandidate): TraceStart {
  const wish = traceWish(message.source, message.headerStart, message.headerEnd);
  if (wish === TraceWish.None) return UNTRACED;
  const { clock, random } = client.host.turn;
  return startTrace(publisherOf(client), wish, message, random, () => clock.now());
}

/** Publishes the event of a trace, when the streams that got the message have decided about it. */
export function reportTrace({ account, host }: Client, trace: MessageTrace): void {
  if (!trace.isHeard) return;
  trace.whenComplete(() => sendTrace(trace, account, host.systemAccount === null ? null : host.serverInfo()));
}

function publisherOf(client: Client): TracedPublisher {
  const { account, accountName, host, id, kind, name, permissions } = client;
  return {
    kind,
    id,
    name,
    accountName,
    externalTrace: account.trace,
    mayReportTo: subject =>
      !isReservedSubject(subject, 0, subject.length, account === host.systemAccount) &&
      (permissions === null || permissions.mayAlwaysPublish(subject, 0, subject.length)),
    isHeardOn: subject => host.systemAccount !== null && !account.interest.match(subject, 0, subject.length).isEmpty,
    refuseSubject: subject => client.refusePublish(subject),
    logError: text => client.logError(text),
  };
}

/** Adds a header to the message that disables tracing on later servers. */
function disableTracing(single: MessageBatch): void {
  const reply = single.source.subarray(single.replyStart(0), single.replyEnd(0));
  const header = setHeader(single.header(0), TRACE_DESTINATION, TRACE_DISABLED);
  const source = Buffer.concat([reply, header, single.payload(0), Buffer.from("\r\n")]);
  const subjectStart = single.subjectStart(0);
  const subjectEnd = single.subjectEnd(0);
  const { fromClient, originator, subjectSource, wasForJetStream } = single;
  single.clear();
  Object.assign(single, { source, subjectSource, originator, fromClient, wasForJetStream });
  single.add(subjectStart, subjectEnd, 0, reply.length, header.length, reply.length, source.length - 2);
}

/**
 * Publishes the trace of a message that is refused because it is too large, before its publisher is closed. As in the reference, only headers
 * that were read together with the line are used.
 */
export function tellTooLarge(
  client: Client,
  source: Buffer,
  subjectStart: number,
  subjectEnd: number,
  headerSize: number,
  size: number,
): void {
  if (headerSize <= 0 || client.parser.heldBytes > 0) return; // the line was read in several parts
  const line = source.indexOf(LF, subjectEnd);
  const headerStart = line + 1;
  const headerEnd = Math.min(source.length, headerStart + headerSize);
  if (line === -1 || headerEnd === headerStart) return;
  const message = { source, headerStart, headerEnd, bytes: size, subject: decode(source, subjectStart, subjectEnd) };
  const { trace } = startIn(client, message);
  trace?.refuse("maximum payload exceeded");
  if (trace !== null) reportTrace(client, trace);
}
