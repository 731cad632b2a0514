/**
 * An imported service, as a subscription in the importing account.
 *
 *   client ── publish `from` ──▶ interest ──▶ ServiceImport.deliver ──▶ exporter's account: `to`, reply `_R_…`, `Nats-Request-Info`
 * Published synchronously on behalf of the client: "no responders", stalls and counts apply to the original publisher.
 * Source: reference, core §5.4.
 */
import { decode, encode, startsWith } from "../../base/bytes/ascii.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { type ClientInfo, clientInfoJson } from "../../messaging/batch/originator.ts";
import { type Sink, Subscription } from "../../messaging/batch/subscription.ts";
import { CROSSINGS_NESTED_MAX } from "../../messaging/fanout/fan-out-stack.ts";
import { HeaderKey, headerText } from "../../messaging/header/header-read.ts";
import { setHeader } from "../../messaging/header/header-write.ts";
import { Lookalikes } from "../../messaging/header/lookalikes.ts";
import { readableHeader } from "../../messaging/header/readable-header.ts";
import { isJetStreamSubject } from "../../messaging/subject/jetstream-subject.ts";
import type { MessageTrace } from "../../messaging/trace/message-trace.ts";
import { TRACE_DESTINATION } from "../../messaging/trace/trace-headers.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import type * as trade from "../trade/trade.ts";
import type { LatencyOptions, ResponseType } from "../trade/trade-options.ts";
import { type Crossing, cross, crossUntraced, type ImportVia, importCameThrough, stepOf } from "./import-step.ts";
import { JETSTREAM_API } from "./jetstream-access.ts";
import { type MeasuredCall, measureAnswer, reportBadRequest } from "./latency.ts";
import { sampleRequest } from "./latency-sampling.ts";
import { type OfferedService, Response, ResponseEnd, type TradingAccount } from "./response.ts";
import { isAcknowledgement } from "./responses.ts";

export const REQUEST_INFO = "Nats-Request-Info";
const REQUEST_INFO_KEY = new HeaderKey(REQUEST_INFO);
const REQUEST_INFO_LOOKALIKES = new Lookalikes(REQUEST_INFO);
const FAST_BATCH_END = encode(".$FI");
const PULL_REQUEST = encode("$JS.API.CONSUMER.MSG.NEXT.");
const DIRECT_GET = encode("$JS.API.DIRECT.GET");
/** Payload of an acknowledgement that asks for the next messages begins like this. */
const NEXT = encode("+NXT");
const NO_BYTES = new Uint8Array(0);
const SUBJECT_BYTES_MIN = 256;

export class ServiceImport implements Sink, ImportVia {
  mark = 0;
  readonly takesRuns = false;
  readonly addsRequestInfo = true;
  readonly importer: TradingAccount;
  readonly exporter: TradingAccount;
  readonly plan: trade.ServiceImport;
  readonly subscription: Subscription;
  export: OfferedService | null;
  /** No longer authorized by the exporter. */
  invalid = false;
  private readonly to: Uint8Array;
  /** It leads to the JetStream API. */
  private readonly isApi: boolean;
  /** Scratch space for transformed subjects. */
  private subjectScratch = Buffer.allocUnsafe(SUBJECT_BYTES_MIN);

  constructor(importer: TradingAccount, exporter: TradingAccount, plan: trade.ServiceImport) {
    this.importer = importer;
    this.exporter = exporter;
    this.plan = plan;
    this.export = null;
    this.to = encode(plan.to);
    this.isApi = plan.to === JETSTREAM_API;
    this.subscription = new Subscription(this, encode(plan.from), null, NO_BYTES);
  }

  get share(): boolean {
    return this.plan.options.share;
  }

  get responseType(): ResponseType {
    return this.export?.responseType ?? "Singleton";
  }

  deliver(_subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    let delivered = 0;
    for (let index = from; index < to; index++) if (this.request(batch, index)) delivered++;
    return delivered;
  }

  /** @returns whether the request had a receiver */
  private request(batch: MessageBatch, index: number): boolean {
    const { exporter } = this;
    if (this.invalid || exporter.expired || importCameThrough(batch, this.export)) return false;
    if (this.isApi && isAnsweredByStream(batch, index) && exporter === this.importer.host.systemAccount) return false;
    const { log, turn } = this.importer.host;
    if (turn.fanOuts.isFull) {
      log.warnRateLimited(`Service import ${quoted(this.plan.from)} dropped a message that passed through ${CROSSINGS_NESTED_MAX} imports`);
      return false;
    }
    const replyStart = batch.replyStart(index);
    const replyEnd = batch.replyEnd(index);
    const subject = this.subjectOf(batch, index);
    const mapped = exporter.mappings?.select(subject, 0, subject.length) ?? subject;
    const step = stepOf(this, batch, index);
    if (isForbiddenAlias(batch, index, mapped, step.jetStreamReply)) return false;
    let reply: Uint8Array = NO_BYTES;
    let response: Response | null = null;
    if (replyStart !== replyEnd) {
      reply = batch.source.subarray(replyStart, replyEnd);
      if (!isAcknowledgement(reply)) {
        response = this.awaitAnswer(batch, index, reply);
        reply = response.address;
      }
    } else if (this.latency !== null) reportBadRequest(this.latency, this.call(batch, index));
    const crossing: Crossing = { batch, index, to: exporter, subject: mapped, reply, header: this.headerOf(batch, index, mapped), step };
    const { trace } = batch;
    const taken = trace === null ? cross(crossing) : this.crossTraced(crossing, trace);
    // A trace-only message has no answer.
    if (response !== null && (!taken || trace?.only)) {
      exporter.responses.remove(response, taken ? ResponseEnd.Answered : ResponseEnd.Undelivered);
    }
    return taken;
  }

  private get latency(): LatencyOptions | null {
    return this.export?.latency ?? null;
  }

  private call(batch: MessageBatch, index: number): MeasuredCall {
    const { exporter, importer, latency, share } = this;
    const sample = latency === null ? null : sampleRequest(latency, batch, index, importer.host.turn.random);
    return { account: exporter, requester: batch.originator, share, sample };
  }

  private awaitAnswer(batch: MessageBatch, index: number, reply: Uint8Array): Response {
    const { exporter, importer, latency } = this;
    const { responses } = exporter;
    if (latency === null) return responses.add(importer, reply, this.export, this.responseType, this.share);
    const call = this.call(batch, index);
    const response = responses.add(importer, reply, this.export, this.responseType, this.share, call.sample !== null);
    measureAnswer(response, latency, call);
    return response;
  }

  /** Publishes a traced message. Trace events of the exporter's side are returned like answers. */
  private crossTraced(crossing: Crossing, trace: MessageTrace): boolean {
    const { exporter, importer } = this;
    const { batch, index, subject } = crossing;
    trace.addServiceImport(exporter.name, batch.subjectText(index), decode(subject));
    if (!this.export?.allowTrace) return crossUntraced(crossing);
    const { destination } = trace;
    const back = exporter.responses.add(importer, encode(destination), this.export, this.responseType, this.share);
    trace.destination = back.subject;
    const header = setHeader(crossing.header ?? batch.header(index), TRACE_DESTINATION, back.subject);
    try {
      return cross({ ...crossing, header });
    } finally {
      trace.destination = destination;
      exporter.responses.remove(back, ResponseEnd.Answered);
    }
  }

  /** Translates the published subject into the exporter's. */
  private subjectOf(batch: MessageBatch, index: number): Uint8Array {
    const { transform, usesPublished } = this.plan;
    const start = batch.subjectStart(index);
    const end = batch.subjectEnd(index);
    if (transform === null) return usesPublished ? batch.subjectSource.subarray(start, end) : this.to;
    const most = transform.resultBytesMax(end - start);
    if (this.subjectScratch.length < most) this.subjectScratch = Buffer.allocUnsafe(most);
    const size = transform.transform(batch.subjectSource, start, end, this.subjectScratch, 0, this.importer.host.turn.random);
    return size === -1 ? this.to : this.subjectScratch.subarray(0, size);
  }

  /** The header with Nats-Request-Info; null: unchanged. Cached for clients' messages without headers. */
  private headerOf(batch: MessageBatch, index: number, to: Uint8Array): Uint8Array | null {
    const { originator } = batch;
    const reply = toldReply(batch, index, to);
    if (reply !== "" || batch.imported !== null || originator === null || batch.headerSize(index) > 0)
      return this.newHeader(batch, index, reply);
    const cached = originator.requestHeader;
    const version = originator.infoVersion;
    if (cached !== null && cached.via === this && cached.version === version) return cached.header;
    const header = this.newHeader(batch, index, "");
    if (header !== null) originator.requestHeader = { via: this, version, header };
    return header;
  }

  /** @param reply the requester's reply, if the service needs it; otherwise empty */
  private newHeader(batch: MessageBatch, index: number, reply: string): Uint8Array | null {
    const info = this.requestInfo(batch, index, reply);
    if (info === null) return null;
    const block = batch.headerSize(index) > 0 ? REQUEST_INFO_LOOKALIKES.removedFrom(readableHeader(batch.header(index))) : null;
    return setHeader(block, REQUEST_INFO, clientInfoJson(info));
  }

  private requestInfo(batch: MessageBatch, index: number, reply: string): ClientInfo | null {
    const before = batch.imported === null ? null : (batch.imported.via as ImportVia);
    const { host } = this.importer;
    const toSystem = this.exporter === host.systemAccount;
    const share = before === null ? this.share : before.share;
    // Client-written headers are never trusted: for an answer forwarded as a request, the responder is the requester.
    const known = before?.addsRequestInfo ? knownInfo(batch, index) : null;
    const info = known ?? batch.originator?.clientInfo(share) ?? null;
    if (info === null) return null;
    if (known !== null) known.svc = this.importer.name;
    else if (reply !== "") info.reply = reply;
    if (!share && (toSystem || (known !== null && this.share))) {
      info.server = host.serverName;
      if (host.clusterName !== "") info.cluster = host.clusterName;
    }
    return info;
  }
}

/** Whether a stream or consumer answers the request itself, in its account: the API does not know it. Source: jetstream §1.6. */
function isAnsweredByStream(batch: MessageBatch, index: number): boolean {
  const start = batch.subjectStart(index);
  const end = batch.subjectEnd(index);
  return startsWith(batch.subjectSource, start, end, DIRECT_GET) || startsWith(batch.subjectSource, start, end, PULL_REQUEST);
}

/**
 * Whether a message would become a JetStream request because the import gives a JetStream subject another name. Requests that a client makes
 * are allowed. Answers go to a subject that the requester chose, and so do messages that the server itself publishes, so these must not reach
 * JetStream by another name. Source: reference, core §5.4.
 * @param target the subject in the exporter's account, after its mappings
 * @param jetStreamReply the message has, or had before an earlier import, a reply of JetStream
 */
function isForbiddenAlias(batch: MessageBatch, index: number, target: Uint8Array, jetStreamReply: boolean): boolean {
  if (!isJetStreamSubject(target, 0, target.length)) return false;
  if (batch.isAllowedAnswer || batch.imported?.via instanceof Response) return true;
  const kind = batch.originator?.kind ?? ConnectionKind.System;
  if (
    kind !== ConnectionKind.System &&
    kind !== ConnectionKind.Account &&
    kind !== ConnectionKind.JetStream &&
    kind !== ConnectionKind.Leaf
  ) {
    return false;
  }
  if (isJetStreamSubject(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index))) return false;
  return jetStreamReply || batch.replyStart(index) === batch.replyEnd(index);
}

/**
 * The requester's reply where JetStream must know it although it gets another one: for the batches of fast publishers, and for pull requests, by
 * themselves or with an acknowledgement. Empty for other requests. Source: reference, core §5.4.
 * @param to the subject in the exporter's account
 */
function toldReply(batch: MessageBatch, index: number, to: Uint8Array): string {
  const start = batch.replyStart(index);
  const end = batch.replyEnd(index);
  if (start === end) return "";
  const isTold =
    startsWith(batch.source, Math.max(start, end - FAST_BATCH_END.length), end, FAST_BATCH_END) ||
    startsWith(to, 0, to.length, PULL_REQUEST) ||
    (isAcknowledgement(to) && startsWith(batch.source, batch.start(index) + Math.max(0, batch.headerSize(index)), batch.end(index), NEXT));
  return isTold ? batch.replyText(index) : "";
}

/** Request info added by a previous import. */
function knownInfo(batch: MessageBatch, index: number): ClientInfo | null {
  const size = batch.headerSize(index);
  if (size <= 0) return null;
  const start = batch.start(index);
  const text = headerText(batch.source, start, start + size, REQUEST_INFO_KEY);
  if (text === null) return null;
  try {
    const info: unknown = JSON.parse(text);
    return typeof info === "object" ? (info as ClientInfo | null) : null;
  } catch {
    return null;
  }
}
