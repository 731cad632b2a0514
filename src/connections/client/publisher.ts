/**
 * The publishing side of a client: from a batch to its receivers.
 *
 *   next(subject) ── mapped? ── allowed? ── the account's interest ─▶ Route        once per run of messages on one subject
 *   flush() ─▶ FanOut, which decides who gets what ─▶ share of work used up? The batch is held, and `resume` continues later
 * For a client without permissions in an account without mappings, neither is checked. Messages are published one by one if messages on one
 * subject may be mapped differently (mapped-publishing.ts) or are traced (traced-publishing.ts).
 */
import { allowStamp, isStampAllowed, STAMP_MASK } from "../../access/permission/allowed-stamps.ts";
import { quote } from "../../base/bytes/ascii.ts";
import { UnitsOf } from "../../base/scheduling/work-meter.ts";
import { countDelivered } from "../../messaging/batch/delivered.ts";
import { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { FanOut, FanOutPublisher, Interest, NoResponders } from "../../messaging/fanout/fan-out.ts";
import { MatchResult } from "../../messaging/subject/match-result.ts";
import { MessageSource } from "../../messaging/subject/queue-selection.ts";
import { hasEmptyToken, isValidLiteral } from "../../messaging/subject/subject.ts";
import { matchesLiteral } from "../../messaging/subject/subject-overlap.ts";
import { REFUSALS, Refusal, refusalText } from "../../wire/protocol/refusal.ts";
import { FLAG_NO_RESPONDERS, FLAG_PEDANTIC, FLAG_VERBOSE } from "../link/connection-flag.ts";
import { writeNoResponders } from "../link/deliver.ts";
import { traceMessage } from "../link/trace.ts";
import type { Client } from "./client.ts";
import { giveBack, moveSubjects, takeMapped } from "./mapped-publishing.ts";
import { isReservedReply, isReservedSubject } from "./reserved-subject.ts";
import { mayBeTraced, reportTrace, takeTraced, tellTooLarge } from "./traced-publishing.ts";

/** How the messages of a batch are handled. */
enum Way {
  /** All have the same receivers. */
  Delivered = 0,
  /** One by one: mapped. */
  Mapped,
  /** One by one: some are traced. */
  Traced,
  /** None may be published. */
  Refused,
}

/** More subscriptions of a client are not compared one by one; longer lists of subscriptions to a reply subject are searched once per result. */
const SEARCHED_MAX = 64;
/** Subscriptions that are searched for one unit of work, as a shift. */
const SEARCH_UNIT_SHIFT = 4;

const NO_SUBSCRIPTION = Symbol("no subscription");

/** Stands for receivers that are not known yet. */
const UNKNOWN = new MatchResult<Subscription>([], []);

/**
 * Payload bytes of a batch. A single receiver gets large messages without a copy, so large batches are better; for several receivers they are
 * copied to the scratch space.
 */
const BATCH_BYTES_MAX = 64 * 1024;
const BATCH_BYTES_MAX_ONE = 512 * 1024;

/** The receivers of messages on one subject. A publisher has two routes: that of the open batch, and that of the last subject looked up. */
class Route {
  /** null: the subject is reserved or not allowed. */
  result: MatchResult<Subscription> | null = null;
  /** Generation of the interest when the receivers were looked up. */
  generation = 0;
  /** The mapped subject; null: the subject is not mapped. */
  mapped: Buffer | null = null;
  /** Messages on this subject must be handled one by one: mappings with weights, or answers of which only some are allowed. */
  varies = false;

  clear(): void {
    this.result = null;
    this.mapped = null;
    this.varies = false;
  }
}

export class Publisher implements FanOutPublisher, NoResponders {
  readonly source = MessageSource.Client;
  private readonly client: Client;
  private readonly batch: MessageBatch;
  /** The route of the open batch. */
  private route = new Route();
  /** The route of the subject that `next` looked up. */
  private nextRoute = new Route();
  /** For messages that are published one by one; created for the first of them. */
  private single: MessageBatch | null = null;

  // The flush that is being done
  private way = Way.Delivered;
  /** The next message of those that are handled one by one. */
  private index = 0;
  /** Its batch, after the share of work was used up. */
  private held: MessageBatch | null = null;
  /** Its delivery, after the share of work was used up. */
  private fanOut: FanOut | null = null;

  constructor(client: Client, batch: MessageBatch) {
    this.client = client;
    this.batch = batch;
  }

  /**
   * Looks up the receivers of a subject.
   * @returns whether they are the receivers of the open batch, and the share of work allows to add to it
   */
  next(source: Buffer, start: number, end: number): boolean {
    const { meter } = this.client.host.turn;
    const joins = this.look(source, start, end);
    meter.done += UnitsOf.match;
    return joins && meter.done < meter.limit;
  }

  private look(source: Buffer, start: number, end: number): boolean {
    const { client, nextRoute } = this;
    const { account, guarded } = client;
    const { interest } = account;
    if (guarded && account.mappings !== null) return this.nextGuarded(source, start, end, null);
    const result = isReservedSubject(source, start, end, client.inSystemAccount) ? null : interest.match(source, start, end);
    nextRoute.result = result;
    nextRoute.generation = interest.generation;
    // It may be left from an earlier look-up whose message waited for a stall.
    nextRoute.mapped = null;
    nextRoute.varies = false;
    if (result === null) return false;
    if (guarded) {
      const stamp = interest.matchedStamp;
      if (client.allowedStamps[stamp & STAMP_MASK] !== stamp || client.stampEpoch !== interest.stampEpoch) {
        return this.nextGuarded(source, start, end, result);
      }
    }
    return result === this.route.result;
  }

  /**
   * The same with mappings, or if it is not known whether the client may publish on the subject. A mapped subject does not share its batch with
   * other subjects.
   * @param known the receivers, if they were just looked up; null: they were not
   */
  private nextGuarded(source: Buffer, start: number, end: number, known: MatchResult<Subscription> | null): boolean {
    const { client, nextRoute, route } = this;
    const { account, permissions } = client;
    const { interest, mappings } = account;
    nextRoute.generation = interest.generation;
    if (mappings?.varies(source, start, end)) return this.nextOneByOne();
    const mapped = mappings === null ? null : mappings.select(source, start, end);
    const subject = mapped ?? source;
    const from = mapped === null ? start : 0;
    const to = mapped === null ? end : mapped.length;
    const result = known ?? interest.match(subject, from, to);
    const allowed = permissions === null || isStampAllowed(client, interest) || permissions.mayAlwaysPublish(subject, from, to);
    if (allowed && permissions !== null) allowStamp(client, interest);
    // It may be an answer to a request that the client got: answers are counted one by one.
    if (!allowed && permissions.tracksReplies) return this.nextOneByOne();
    const free = allowed && !isReservedSubject(subject, from, to, client.inSystemAccount);
    nextRoute.mapped = mapped;
    nextRoute.varies = false;
    nextRoute.result = free ? result : null;
    return free && mapped === null && route.mapped === null && result === route.result;
  }

  private nextOneByOne(): boolean {
    const { nextRoute } = this;
    nextRoute.mapped = null;
    nextRoute.varies = true;
    nextRoute.result = UNKNOWN;
    return false;
  }

  /** Begins an empty batch for the receivers that `next` found. */
  open(source: Buffer): void {
    const { batch, nextRoute } = this;
    this.nextRoute = this.route;
    this.nextRoute.clear();
    this.route = nextRoute;
    const { result } = nextRoute;
    batch.source = source;
    batch.subjectSource = source;
    batch.fromClient = true;
    batch.originator = this.client;
    const oneReceiver = result !== null && result.plain.length === 1 && result.groups.length === 0;
    batch.bytesMax = oneReceiver ? BATCH_BYTES_MAX_ONE : BATCH_BYTES_MAX;
  }

  /**
   * Publishes the messages of the batch and empties it.
   * @returns false if the share of work was used up before: `resume` continues
   */
  flush(): boolean {
    const { batch, client } = this;
    if (batch.hasHeaders && mayBeTraced(client, batch)) this.way = Way.Traced;
    else this.chooseWay();
    return this.publishBatch();
  }

  private chooseWay(): void {
    const { batch, client, route } = this;
    const { mapped, result, varies } = route;
    client.inMessages += batch.count;
    client.inBytes += batch.bytes;
    if (mapped !== null) moveSubjects(batch, mapped);
    this.way = varies ? Way.Mapped : result === null ? Way.Refused : Way.Delivered;
  }

  private publishBatch(): boolean {
    const { batch, client } = this;
    this.index = 0;
    if (this.publishShare(batch)) {
      this.route.clear();
      client.stall.afterFlush(batch);
      batch.clear();
      return true;
    }
    this.held = client.host.turn.holdBatch();
    return false;
  }

  /** A batch is not published to its end. */
  get unfinished(): boolean {
    return this.held !== null;
  }

  /** Continues with a batch that is unfinished. @returns whether it is published now */
  resume(): boolean {
    const { client } = this;
    const held = this.held!;
    if (!this.publishShare(held)) return false;
    this.held = null;
    this.route.clear();
    client.stall.afterFlush(held);
    client.host.turn.giveBatch(held);
    return true;
  }

  /** @returns whether all messages of the batch are published */
  private publishShare(batch: MessageBatch): boolean {
    switch (this.way) {
      case Way.Delivered:
        return this.deliver(batch, this.route.result!, this.route.generation);
      case Way.Refused:
        return this.refuseSubjects(batch);
      default:
        return this.publishOneByOne(batch);
    }
  }

  private publishOneByOne(batch: MessageBatch): boolean {
    const { client } = this;
    const { meter } = client.host.turn;
    this.single ??= new MessageBatch(1);
    const { single } = this;
    if (this.fanOut !== null) {
      if (!this.continueDelivery(single)) return false;
      this.finishSingle(single, batch);
    }
    while (this.index < batch.count && !client.closed) {
      if (meter.exhausted && this.index > 0) return false;
      const index = this.index++;
      meter.done += UnitsOf.step;
      if (this.way === Way.Traced) {
        if (!takeTraced(client, batch, index, single)) continue;
      } else takeMapped(client, batch, index, single);
      if (!this.publishSingle(single)) return false;
      this.finishSingle(single, batch);
    }
    return true;
  }

  private finishSingle(single: MessageBatch, batch: MessageBatch): void {
    const { trace } = single;
    giveBack(single, batch);
    if (trace !== null) reportTrace(this.client, trace);
  }

  /** Checks and delivers the only message of a batch. @returns false if the share of work was used up before its end */
  private publishSingle(single: MessageBatch): boolean {
    const { client } = this;
    const result = this.receiversOf(single);
    if (result === null) this.refuseSubject(single, 0);
    else if (single.hasReplies && isReservedReply(single.source, single.replyStart(0), single.replyEnd(0))) this.refuseReply(single);
    else {
      if ((client.flags & FLAG_VERBOSE) !== 0) client.sendOk();
      return this.deliver(single, result, this.interest.generation);
    }
    return true;
  }

  /** The receivers of the only message of a batch; null: it may not be published. */
  private receiversOf(single: MessageBatch): MatchResult<Subscription> | null {
    const { client } = this;
    const { permissions } = client;
    const start = single.subjectStart(0);
    const end = single.subjectEnd(0);
    if (isReservedSubject(single.subjectSource, start, end, client.inSystemAccount)) return null;
    if (permissions !== null && !permissions.mayAlwaysPublish(single.subjectSource, start, end)) {
      if (!permissions.mayAnswer(single.subjectSource, start, end)) return null;
      single.isAllowedAnswer = !single.wasForJetStream;
    }
    return this.interest.match(single.subjectSource, start, end);
  }

  /** Checks the line of a message that the publish loop did not take. */
  check(source: Buffer, subjectStart: number, subjectEnd: number, headerSize: number, size: number): Refusal {
    const client = this.client;
    const most = client.parser.payloadBytesMax;
    if (size > most) {
      tellTooLarge(client, source, subjectStart, subjectEnd, headerSize, size);
      client.parser.detail = `maximum payload exceeded: ${size} vs ${most}`;
      return Refusal.MaxPayloadExceeded;
    }
    if ((client.flags & FLAG_PEDANTIC) !== 0 && !isValidLiteral(source, subjectStart, subjectEnd)) {
      client.sendError(REFUSALS[Refusal.InvalidPublishSubject].error!);
    }
    return Refusal.None;
  }

  /** Publishes the only message of the batch, which the publish loop did not take. @returns false if it is unfinished, see `flush` */
  publish(source: Buffer): boolean {
    const { batch, client } = this;
    if (client.tracing) traceMessage(client, "<<-", source, batch.headerSize(0), batch.start(0), batch.end(0));
    this.next(source, batch.subjectStart(0), batch.subjectEnd(0));
    this.open(source);
    if (batch.hasHeaders && mayBeTraced(client, batch)) {
      this.way = Way.Traced;
      return this.publishBatch();
    }
    const { result, varies } = this.route;
    if (result !== null && !varies) {
      if (batch.hasReplies && isReservedReply(source, batch.replyStart(0), batch.replyEnd(0))) {
        client.inMessages++;
        client.inBytes += batch.bytes;
        this.refuseReply(batch);
        this.route.clear();
        batch.clear();
        return true;
      }
      if ((client.flags & FLAG_VERBOSE) !== 0) client.sendOk();
    }
    this.chooseWay();
    return this.publishBatch();
  }

  /** Delivers a batch, or continues with it. @returns false if the share of work was used up before its end */
  private deliver(batch: MessageBatch, result: MatchResult<Subscription>, generation: number): boolean {
    if (this.fanOut !== null) return this.continueDelivery(batch);
    this.fanOut = this.client.host.turn.fanOuts.deliverShare(this, batch, result, generation);
    this.countDelivered();
    return this.fanOut === null;
  }

  private continueDelivery(batch: MessageBatch): boolean {
    if (this.client.host.turn.fanOuts.resume(this.fanOut!, batch)) this.fanOut = null;
    this.countDelivered();
    return this.fanOut === null;
  }

  private countDelivered(): void {
    const { host, account } = this.client;
    const { counters, turn } = host;
    countDelivered(turn, counters, account.traffic);
    turn.outMessages = 0;
    turn.outBytes = 0;
  }

  // FanOutPublisher

  get interest(): Interest {
    return this.client.account.interest;
  }

  get noResponders(): NoResponders | null {
    return (this.client.flags & FLAG_NO_RESPONDERS) === 0 ? null : this;
  }

  /** No receiver took message `index`: the client gets status 503 on its own subscription to the reply subject. */
  onNoResponders(batch: MessageBatch, index: number): void {
    const { client } = this;
    const start = batch.replyStart(index);
    const end = batch.replyEnd(index);
    if (start === end) return;
    client.host.turn.meter.done += UnitsOf.match;
    const subscription = this.ownAmongFew(batch.source, start, end) ?? this.ownAmongAll(batch.source, start, end);
    if (subscription !== NO_SUBSCRIPTION) writeNoResponders(client, subscription.sid, batch, index);
  }

  /**
   * The client's own plain subscription to a subject, found without those of others: they may be many and change all the time.
   * @returns null: the client has many subscriptions, or several match, so that the order in the trie decides
   */
  private ownAmongFew(source: Buffer, start: number, end: number): Subscription | typeof NO_SUBSCRIPTION | null {
    const { subscriptions } = this.client;
    if (subscriptions.size > SEARCHED_MAX || hasEmptyToken(source, start, end)) return null;
    this.client.host.turn.meter.done += subscriptions.size >> 1;
    let own: Subscription | null = null;
    for (const subscription of subscriptions.values()) {
      if (subscription.queue !== null || !matchesLiteral(subscription.subject, source, start, end)) continue;
      if (own !== null) return null;
      own = subscription;
    }
    return own ?? NO_SUBSCRIPTION;
  }

  private ownAmongAll(source: Buffer, start: number, end: number): Subscription | typeof NO_SUBSCRIPTION {
    const waiting = this.interest.match(source, start, end);
    return (waiting.plain.length <= SEARCHED_MAX ? this.ownOf(waiting) : this.ownOfMany(waiting)) ?? NO_SUBSCRIPTION;
  }

  /** The first plain subscription of the client itself; null: none. */
  private ownOf({ plain }: MatchResult<Subscription>): Subscription | null {
    for (const subscription of plain) if (subscription.sink === this.client) return subscription;
    return null;
  }

  /** The same for a long list, which is searched once. */
  private ownOfMany(waiting: MatchResult<Subscription>): Subscription | null {
    waiting.found ??= new WeakMap();
    let own = waiting.found.get(this.client);
    if (own === undefined) {
      this.client.host.turn.meter.done += waiting.plain.length >> SEARCH_UNIT_SHIFT;
      own = this.ownOf(waiting);
      waiting.found.set(this.client, own);
    }
    return own;
  }

  private refuseSubjects(batch: MessageBatch): boolean {
    const { meter } = this.client.host.turn;
    while (this.index < batch.count) {
      if (meter.exhausted && this.index > 0) return false;
      this.refuseSubject(batch, this.index++);
    }
    return true;
  }

  private refuseSubject(batch: MessageBatch, index: number): void {
    const { client } = this;
    client.host.turn.meter.done += UnitsOf.refusal;
    const error = client.refusePublish(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index));
    batch.trace?.refuse(error);
  }

  private refuseReply(batch: MessageBatch): void {
    const { client } = this;
    const reply = quote(batch.source, batch.replyStart(0), batch.replyEnd(0));
    const error = refusalText(Refusal.ReplyPermission, reply);
    batch.trace?.refuse(error);
    client.sendError(error);
    client.logError(`Publish Violation - Reply ${reply}`);
  }
}
