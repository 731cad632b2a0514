/**
 * Pending answers between accounts.
 *
 *   requester's account                          responder's account
 *   `req` reply `_INBOX.x`  ── ServiceImport ──▶ `svc` reply `_R_.aaaaaa.bbbbbb`      add(): this subject replaces `_INBOX.x`
 *   `_INBOX.x`              ◀── Response ─────── published by the service             one answer, or as many as the type allows
 * One subscription `_R_.aaaaaa.>` per account, created with its first pending answer. An entry is removed with the answer (one message, or the end of a
 * stream: an empty message), when it expires (service-export.ts), or when the requester unsubscribes.
 * Bounded by time, as in the reference, and by number: over a million, the oldest is dropped.
 * Source: reference, core §5.4.
 */
import { assert } from "../../base/assert/assert.ts";
import { copyBytes, decode, encode } from "../../base/bytes/ascii.ts";
import { serverHash } from "../../base/keys/server-hash.ts";
import type { Random } from "../../base/random/random.ts";
import type { Task } from "../../base/scheduling/scheduler.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { type Sink, Subscription } from "../../messaging/batch/subscription.ts";
import { BytesMap } from "../../messaging/subject/bytes-map.ts";
import { hasWildcard } from "../../messaging/subject/subject.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import type { ResponseType } from "../trade/trade-options.ts";
import { type Crossing, cross, crossUntraced, importCameThrough, stepOf } from "./import-step.ts";
import { measureAnswer } from "./latency.ts";
import { sampleRequest } from "./latency-sampling.ts";
import { type OfferedService, type PendingAnswers, Response, ResponseEnd, type TradingAccount } from "./response.ts";
import { ResponseExpiry, UnawaitedRemoval } from "./response-expiry.ts";

const ADDRESS_START = encode("_R_.");
const DOT_BYTES = encode(".");
const DIGITS = encode("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
const DIGITS_IN_TOKEN = 6;
/** Length of a token of 32 random bits. */
const DIGITS_PER_DRAW = 3;
/** Most pending answers per account. */
const PENDING_MAX = 1_000_000;
/** Draws of an address; with a million pending answers, one draw in 57,000 repeats one of them. */
const DRAWS_MAX = 1_000;
/** Up to this number of awaited answers are reviewed when a subscription with wildcards is removed; more by a task. */
const REVIEWED_AT_ONCE = 64;
/** Work for one reviewed answer, besides the look-up of interest. */
const REVIEW_UNITS = 2;
const NO_BYTES = new Uint8Array(0);

export class Responses implements Sink, PendingAnswers, Task {
  mark = 0;
  readonly takesRuns = false;
  private readonly account: TradingAccount;
  /** `_R_.aaaaaa.`; null until the first request. */
  private prefix: Uint8Array | null = null;
  /** `.<server hash>.T`; null until it is needed. */
  private suffix: Uint8Array | null = null;
  /** Pending answers of this account's services, by their subject. */
  private readonly pending: BytesMap<Response>;
  private oldest: Response | null = null;
  private newest: Response | null = null;
  /** Answers awaited by clients of this account, by reply subject: the first of a list (`Response.nextAwaited`). */
  private readonly awaitedBy: BytesMap<Response>;
  /** Goes through `awaitedBy` once after the last change; null: not begun. */
  private review: Iterator<Response> | null = null;
  /** How many of `awaitedBy` must still be reviewed; 0: no review is under way. */
  private toReview = 0;

  constructor(account: TradingAccount) {
    this.account = account;
    this.pending = new BytesMap(account.interest.hashKey);
    this.awaitedBy = new BytesMap(account.interest.hashKey);
  }

  /** Number of reply subjects with awaited answers. */
  get awaited(): number {
    return this.awaitedBy.size;
  }

  /** Number of pending answers. */
  get size(): number {
    return this.pending.size;
  }

  all(): Iterable<Response> {
    return this.pending.values();
  }

  /**
   * Registers the pending answer of a request to this account.
   * @param reply the requester's reply subject; copied
   * @param measured latency is measured; the answer subject then ends in the server hash and `.T`
   */
  add(
    requester: TradingAccount,
    reply: Uint8Array,
    from: OfferedService | null,
    type: ResponseType,
    share: boolean,
    measured = false,
  ): Response {
    const { account } = this;
    const { host } = account;
    this.prefix ??= this.listen(host.turn.random);
    const response = new Response(
      this.freeAddress(this.prefix, measured ? this.measuredSuffix() : NO_BYTES),
      copyBytes(reply, 0, reply.length),
      account,
      requester,
      from,
      type,
      share,
      host.clock.monotonic(),
    );
    if (this.pending.size >= PENDING_MAX) this.remove(this.oldest!, ResponseEnd.TimedOut);
    this.pending.set(response.address, response);
    response.older = this.newest;
    if (this.newest === null) this.oldest = response;
    else this.newest.newer = response;
    this.newest = response;
    from?.watch();
    requester.responses.await(response);
    return response;
  }

  /** An address that no pending answer has: otherwise an answer could go to another requester. */
  private freeAddress(prefix: Uint8Array, suffix: Uint8Array): Uint8Array {
    const { random } = this.account.host.turn;
    let address = newAddress(prefix, random, suffix);
    for (let draws = 1; this.pending.get(address, 0, address.length) !== undefined; draws++) {
      assert(draws < DRAWS_MAX, "random numbers do not repeat all the time", draws);
      address = newAddress(prefix, random, suffix);
    }
    return address;
  }

  private measuredSuffix(): Uint8Array {
    this.suffix ??= encode(`.${serverHash(this.account.host.serverName)}.T`);
    return this.suffix;
  }

  remove(response: Response, end: ResponseEnd): void {
    if (!this.pending.delete(response.address)) return;
    const { newer, older } = response;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
    response.requester.responses.stopAwaiting(response);
    response.watcher?.onEnd(end);
  }

  /** Removes pending answers of one service that are not newer than `before`: the first thousand at once, the others by a task. */
  expire(of: OfferedService, before: number, onDone: (left: number) => void): void {
    const { meter, scheduler } = this.account.host.turn;
    const remove = (response: Response) => this.remove(response, ResponseEnd.TimedOut);
    const expiry = new ResponseExpiry(this.all(), of, before, meter, remove, onDone);
    if (expiry.work()) scheduler.add(expiry);
  }

  /**
   * Called after a subscription was removed: drops awaited answers that no subscription matches any more. If it had wildcards and many answers
   * are awaited, they are reviewed by a task of the scheduler: one review for all changes before it ends.
   */
  onInterestLost(subject: Uint8Array): void {
    const { awaitedBy } = this;
    if (!hasWildcard(subject, 0, subject.length)) {
      const waiting = awaitedBy.get(subject, 0, subject.length);
      if (waiting !== undefined) this.dropUnawaited(waiting);
      return;
    }
    if (awaitedBy.size <= REVIEWED_AT_ONCE) {
      for (const waiting of awaitedBy.values()) {
        const { reply } = waiting;
        if (matchesLiteral(subject, reply, 0, reply.length)) this.dropUnawaited(waiting);
      }
      return;
    }
    if (this.toReview === 0) this.account.host.turn.scheduler.add(this);
    this.toReview = awaitedBy.size;
  }

  /** Task: reviews awaited answers, for one share of work. */
  work(): boolean {
    const { meter } = this.account.host.turn;
    // What was added since the change is reviewed too, so the count may end early only if everything was reviewed.
    while (this.toReview > 0) {
      this.review ??= this.awaitedBy.values();
      const { value, done } = this.review.next();
      if (done) {
        this.review = null;
        if (this.awaitedBy.size === 0) this.toReview = 0;
        continue;
      }
      this.toReview--;
      meter.done += REVIEW_UNITS;
      this.dropUnawaited(value);
      if (meter.exhausted) break;
    }
    if (this.toReview === 0) this.review = null;
    return this.toReview > 0;
  }

  /** @param first of the answers on one reply subject. Many of them are removed by a task */
  private dropUnawaited(first: Response): void {
    const { reply } = first;
    if (this.account.interest.hasInterest(reply, 0, reply.length)) return;
    this.awaitedBy.delete(reply);
    const { meter, scheduler } = this.account.host.turn;
    const removal = new UnawaitedRemoval(first, meter);
    if (removal.work()) scheduler.add(removal);
  }

  await(response: Response): void {
    const { awaitedBy } = this;
    const { reply } = response;
    const waiting = awaitedBy.get(reply, 0, reply.length);
    if (waiting === undefined) {
      awaitedBy.set(reply, response);
      if (this.toReview > 0) this.toReview++;
      return;
    }
    response.reply = waiting.reply;
    const next = waiting.nextAwaited;
    response.previousAwaited = waiting;
    response.nextAwaited = next;
    waiting.nextAwaited = response;
    if (next !== null) next.previousAwaited = response;
  }

  stopAwaiting(response: Response): void {
    const { nextAwaited: next, previousAwaited: previous, reply } = response;
    // `response` keeps its own references: a removal that has reached it goes on from there.
    if (next !== null) next.previousAwaited = previous;
    if (previous !== null) {
      previous.nextAwaited = next;
      return;
    }
    if (this.awaitedBy.get(reply, 0, reply.length) !== response) return;
    this.awaitedBy.delete(reply);
    if (next !== null) this.awaitedBy.set(next.reply, next);
  }

  private listen(random: Random): Uint8Array {
    const prefix = newAddress(ADDRESS_START, random, DOT_BYTES);
    this.account.interest.insert(new Subscription(this, encode(`${decode(prefix)}>`), null, NO_BYTES));
    return prefix;
  }

  // Sink: receives answers published in this account

  /** All answers count as delivered, also those that nobody awaits any more, so that the service does not learn "no responders". */
  deliver(_subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    for (let index = from; index < to; index++) this.answer(batch, index);
    return to - from;
  }

  private answer(batch: MessageBatch, index: number): void {
    const response = this.account.expired
      ? undefined
      : this.pending.get(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index));
    if (response === undefined || importCameThrough(batch, response.export)) return;
    const mayRemove = response.watcher?.onAnswer(batch) ?? true;
    const { requester } = response;
    const { trace } = batch;
    // The answer may itself have a reply subject.
    const onward = this.onwardReply(batch, index, response);
    const subject = requester.mappings?.select(response.reply, 0, response.reply.length) ?? response.reply;
    const step = stepOf(response, batch, index);
    const isEnd = batch.end(index) === batch.start(index);
    const crossing: Crossing = { batch, index, to: requester, subject, reply: onward?.bytes ?? NO_BYTES, header: null, step };
    trace?.addServiceImport(requester.name, response.subject, decode(subject));
    const delivered = trace === null ? cross(crossing) : crossUntraced(crossing);
    response.watcher?.afterAnswer();
    if (!delivered && onward?.response) requester.responses.remove(onward.response, ResponseEnd.Undelivered);
    if (response.type !== "Singleton" && delivered) response.at = this.account.host.clock.monotonic();
    if ((!delivered || response.type === "Singleton" || isEnd) && mayRemove) {
      this.remove(response, delivered ? ResponseEnd.Answered : ResponseEnd.Undelivered);
    }
  }

  private onwardReply(batch: MessageBatch, index: number, response: Response): { bytes: Uint8Array; response: Response | null } | null {
    const start = batch.replyStart(index);
    const end = batch.replyEnd(index);
    if (start === end) return null;
    const reply = batch.source.subarray(start, end);
    if (isAcknowledgement(reply)) return { bytes: reply, response: null };
    const { requester, export: from, type, share } = response;
    const options = response.watcher?.options ?? null;
    const sample = options === null ? null : sampleRequest(options, batch, index, this.account.host.turn.random);
    const onward = requester.responses.add(this.account, reply, from, type, share, sample !== null);
    if (options !== null) measureAnswer(onward, options, { account: requester, requester: batch.originator, share, sample });
    return { bytes: onward.address, response: onward };
  }
}

const ACKNOWLEDGEMENT = encode("$JS.ACK.");

/** Reply subjects of JetStream consumers pass imports unchanged, so that acknowledgements reach the stream. */
export function isAcknowledgement(reply: Uint8Array): boolean {
  if (reply.length < ACKNOWLEDGEMENT.length) return false;
  for (let i = 0; i < ACKNOWLEDGEMENT.length; i++) if (reply[i] !== ACKNOWLEDGEMENT[i]) return false;
  return true;
}

/** `<start><six digits><end>` */
function newAddress(start: Uint8Array, random: Random, end: Uint8Array): Uint8Array {
  const address = Buffer.allocUnsafe(start.length + DIGITS_IN_TOKEN + end.length);
  address.set(start, 0);
  let drawn = 0;
  for (let i = 0; i < DIGITS_IN_TOKEN; i++) {
    if (i % DIGITS_PER_DRAW === 0) drawn = random.nextUint32();
    address[start.length + i] = DIGITS[drawn % DIGITS.length];
    drawn = Math.floor(drawn / DIGITS.length);
  }
  address.set(end, start.length + DIGITS_IN_TOKEN);
  return address;
}
