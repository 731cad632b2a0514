/**
 * The publishing side of a client: from a batch to its receivers.
 *
 *   next(subject) ── mapped? ── allowed? ── the account's interest ─▶ result      once per run of messages on one subject
 *   flush() ─┬─ runs       each plain subscription gets the whole run; each queue group one member per message
 *            └─ by message  where order between receivers can be seen: one connection named twice, a receiver inside the process; or
 *                           where each message's fate counts: queue groups, for a publisher that wants to hear of "no responders"
 * Order as the reference's: plain subscriptions first, then one member of each queue group.
 * A client without permissions, in an account without mappings, is asked nothing of either. Where messages on one subject may be mapped
 * differently (weights), or are followed, they go one by one (mapped-publishing.ts, traced-publishing.ts).
 */
import { quote } from "../../base/bytes/ascii.ts";
import { countDelivered } from "../../messaging/batch/delivered.ts";
import { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { MatchResult } from "../../messaging/subject/match-result.ts";
import { MessageSource, type QueueDelivery, selectQueueMember } from "../../messaging/subject/queue-selection.ts";
import { isValidLiteral } from "../../messaging/subject/subject.ts";
import { deliverTraced } from "../../messaging/trace/traced-delivery.ts";
import { REFUSALS, Refusal, refusalText } from "../../wire/protocol/refusal.ts";
import { FLAG_ECHO, FLAG_NO_RESPONDERS, FLAG_PEDANTIC, FLAG_VERBOSE } from "../link/connection-flag.ts";
import { writeNoResponders } from "../link/deliver.ts";
import { traceMessage } from "../link/trace.ts";
import type { Client } from "./client.ts";
import { moveSubjects, publishVarying } from "./mapped-publishing.ts";
import { isReservedReply, isReservedSubject } from "./reserved-subject.ts";
import { mayBeTraced, publishTraced, tellTooLarge } from "./traced-publishing.ts";

/** What `MatchResult.note` says once the result was looked at. */
const NOTE_RUNS = 1;
const NOTE_BY_MESSAGE = 2;

/** In the place of receivers that are not known yet. */
const NOBODY = new MatchResult<Subscription>([], []);

/**
 * Payload bytes of a batch. A single receiver gets large messages uncopied, the more at once the better; for several ones they are
 * gathered in the scratch.
 */
const BATCH_BYTES_MAX = 64 * 1024;
const BATCH_BYTES_MAX_ONE = 512 * 1024;

export class Publisher implements QueueDelivery<Subscription> {
  private readonly client: Client;
  private batch: MessageBatch;
  /** Receivers of the batch; null when its subject is reserved, or not allowed. */
  private result: MatchResult<Subscription> | null = null;
  private nextResult: MatchResult<Subscription> | null = null;
  /** The message for which a group member is looked for. */
  private memberIndex = 0;
  /** Of the interest when the receivers were looked up. */
  private generation = 0;
  private nextGeneration = 0;
  /** What the account makes of the batch's subject; null: nothing else. */
  private mapped: Buffer | null = null;
  private nextMapped: Buffer | null = null;
  /** Messages on this subject may fare differently: mapped by weight, or answers of which only some are allowed. */
  private varies = false;
  private nextVaries = false;
  /** For messages that go one by one; made for the first of them. */
  private single: MessageBatch | null = null;

  constructor(client: Client, batch: MessageBatch) {
    this.client = client;
    this.batch = batch;
  }

  /** Who wants a message on this subject? True when it is those whom the open batch is for. */
  next(source: Buffer, start: number, end: number): boolean {
    const { client } = this;
    const { account, guarded } = client;
    const { interest } = account;
    if (guarded && account.mappings !== null) return this.nextGuarded(source, start, end);
    this.nextResult = isReservedSubject(source, start, end, client.inSystemAccount) ? null : interest.match(source, start, end);
    this.nextGeneration = interest.generation;
    if (this.nextResult === null) return false;
    if (guarded && !client.permissions!.mayAlwaysPublishStamped(interest.matchedStamp, source, start, end)) {
      return this.nextGuarded(source, start, end);
    }
    return this.nextResult === this.result;
  }

  /** The same where mappings, or a permission that is not there, stand before interest. What is mapped shares its batch with no other subject. */
  private nextGuarded(source: Buffer, start: number, end: number): boolean {
    const { account, permissions } = this.client;
    const { interest, mappings } = account;
    this.nextGeneration = interest.generation;
    if (mappings?.varies(source, start, end)) return this.nextOneByOne();
    const mapped = mappings === null ? null : mappings.select(source, start, end);
    const subject = mapped ?? source;
    const from = mapped === null ? start : 0;
    const to = mapped === null ? end : mapped.length;
    const result = interest.match(subject, from, to);
    const allowed = permissions === null || permissions.mayAlwaysPublishStamped(interest.matchedStamp, subject, from, to);
    // Perhaps an answer to what it was asked: each one counts.
    if (!allowed && permissions.tracksReplies) return this.nextOneByOne();
    this.nextMapped = mapped;
    this.nextVaries = false;
    const free = allowed && !isReservedSubject(subject, from, to, this.client.inSystemAccount);
    this.nextResult = free ? result : null;
    return free && mapped === null && this.mapped === null && this.nextResult === this.result;
  }

  private nextOneByOne(): boolean {
    this.nextMapped = null;
    this.nextVaries = true;
    this.nextResult = NOBODY;
    return false;
  }

  /** An empty batch, for the receivers that `next` found. */
  open(source: Buffer): void {
    const batch = this.batch;
    batch.source = source;
    batch.subjectSource = source;
    batch.fromClient = true;
    batch.originator = this.client;
    this.mapped = this.nextMapped;
    this.varies = this.nextVaries;
    this.nextMapped = null;
    this.nextVaries = false;
    const result = this.nextResult;
    this.result = result;
    batch.oneReceiver = result !== null && result.plain.length === 1 && result.groups.length === 0;
    batch.bytesMax = batch.oneReceiver ? BATCH_BYTES_MAX_ONE : BATCH_BYTES_MAX;
    this.generation = this.nextGeneration;
  }

  /** Delivers the batch and empties it. */
  flush(): void {
    if (this.batch.hasHeaders && mayBeTraced(this.client, this.batch)) this.flushTraced();
    else this.flushUntraced();
  }

  private flushUntraced(): void {
    const { batch, client } = this;
    const result = this.result;
    client.inMessages += batch.count;
    client.inBytes += batch.bytes;
    if (this.mapped !== null) moveSubjects(batch, this.mapped);
    if (this.varies) this.flushVarying();
    else if (result === null) this.refuseSubjects();
    else if (this.generation !== client.account.interest.generation) {
      // The batch before this one changed interest, by a callback or a subscription's last message, after its receivers were looked up.
      this.deliverByMessage();
      this.commitDelivered();
    } else if (result.isEmpty) this.answerNobody();
    else {
      const note = result.note === 0 ? this.look(result) : result.note;
      if (batch.count === 1) this.deliverOne(result, 0);
      else if (note === NOTE_RUNS && (result.groups.length === 0 || !this.wantsNoResponders)) this.deliverRuns(result);
      else this.deliverByMessage();
      this.commitDelivered();
    }
    this.result = null;
    this.mapped = null;
    batch.clear();
  }

  /** Each message is mapped for itself. */
  private flushVarying(): void {
    this.varies = false;
    const { batch, client } = this;
    publishVarying(client, batch, this.emptySingle(), single => this.publishSingle(single));
    this.batch = batch;
  }

  /** Some of the messages may be followed: each is looked at for itself. */
  private flushTraced(): void {
    const { batch, client } = this;
    publishTraced(client, batch, this.emptySingle(), single => this.publishSingle(single));
    this.batch = batch;
    this.result = null;
    this.mapped = null;
    this.varies = false;
    batch.clear();
  }

  private emptySingle(): MessageBatch {
    this.single ??= new MessageBatch(1);
    const { single } = this;
    single.clear();
    single.stallMs = 0; // of an earlier batch: who asked for it has been waited for
    single.stalledBy = null;
    return single;
  }

  /** The one message of a batch, from its permission to its delivery. */
  private publishSingle(single: MessageBatch): void {
    const { client } = this;
    this.batch = single;
    this.generation = client.account.interest.generation;
    this.result = this.receiversOf(single);
    if (this.result === null) return this.refuseSubjects();
    if (single.hasReplies && isReservedReply(single.source, single.replyStart(0), single.replyEnd(0))) return this.refuseReply();
    if ((client.flags & FLAG_VERBOSE) !== 0) client.sendOk();
    if (this.result.isEmpty) return this.answerNobody();
    if (single.trace === null) this.deliverOne(this.result, 0);
    else if (deliverTraced(single, this.result, MessageSource.Client, client.host.turn.random) === 0) this.answerNoResponders(0);
    this.commitDelivered();
  }

  /** Who wants the one message of a batch; null: it may not be published. */
  private receiversOf(batch: MessageBatch): MatchResult<Subscription> | null {
    const { client } = this;
    const { account, permissions } = client;
    const start = batch.subjectStart(0);
    const end = batch.subjectEnd(0);
    if (isReservedSubject(batch.subjectSource, start, end, client.inSystemAccount)) return null;
    if (permissions !== null && !permissions.mayPublish(batch.subjectSource, start, end)) return null;
    return account.interest.match(batch.subjectSource, start, end);
  }

  /** The line of a message outside the parser's loop. */
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

  /** The one message that the parser put into the batch, outside of its loop. */
  publish(source: Buffer): void {
    const { batch, client } = this;
    if (client.tracing) traceMessage(client, "<<-", source, batch.headerSize(0), batch.start(0), batch.end(0));
    this.next(source, batch.subjectStart(0), batch.subjectEnd(0));
    this.open(source);
    if (batch.hasHeaders && mayBeTraced(client, batch)) return this.flushTraced();
    if (this.result !== null && !this.varies) {
      if (batch.hasReplies && isReservedReply(source, batch.replyStart(0), batch.replyEnd(0))) {
        client.inMessages++;
        client.inBytes += batch.bytes;
        this.refuseReply();
        this.result = null;
        this.mapped = null;
        return batch.clear();
      }
      if ((client.flags & FLAG_VERBOSE) !== 0) client.sendOk();
    }
    this.flushUntraced();
  }

  /** Whether runs can be delivered receiver by receiver without anyone seeing another order. */
  private look(result: MatchResult<Subscription>): number {
    const mark = ++this.client.host.turn.mark;
    let note = NOTE_RUNS;
    for (const subscription of result.plain) {
      const sink = subscription.sink;
      if (sink.mark === mark || !sink.takesRuns) note = NOTE_BY_MESSAGE;
      sink.mark = mark;
    }
    for (const group of result.groups) {
      // One member of a group gets a message, so a connection may have several; but not in two groups.
      const inGroup = -mark;
      for (const subscription of group) {
        const sink = subscription.sink;
        if (sink.mark === mark || !sink.takesRuns) note = NOTE_BY_MESSAGE;
        sink.mark = inGroup;
      }
      for (const subscription of group) subscription.sink.mark = mark;
    }
    result.note = note;
    return note;
  }

  private deliverRuns(result: MatchResult<Subscription>): void {
    const { batch, client } = this;
    const count = batch.count;
    const echo = (client.flags & FLAG_ECHO) !== 0;
    const plain = result.plain;
    // The messages before this one were taken by somebody: a receiver takes a run from its start.
    let taken = 0;
    for (let i = 0; i < plain.length; i++) {
      const subscription = plain[i];
      if (subscription.sink === client && !echo) continue;
      taken = Math.max(taken, subscription.sink.deliver(subscription, batch, 0, count));
    }
    const groups = result.groups;
    if (groups.length === 0) {
      for (let index = taken; index < count; index++) this.answerNoResponders(index);
      return;
    }
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i];
      for (let index = 0; index < count; index++) this.deliverToMember(group, index);
    }
  }

  /** Message by message; interest that a delivery changes counts from the next message on. */
  private deliverByMessage(): void {
    const { batch, client } = this;
    const interest = client.account.interest;
    for (let index = 0; index < batch.count; index++) {
      if (interest.generation !== this.generation) {
        this.result = interest.match(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index));
      }
      this.deliverOne(this.result!, index);
    }
  }

  private deliverOne(result: MatchResult<Subscription>, index: number): void {
    const { batch, client } = this;
    const echo = (client.flags & FLAG_ECHO) !== 0;
    let delivered = 0;
    const plain = result.plain;
    for (let i = 0; i < plain.length; i++) {
      const subscription = plain[i];
      if (subscription.sink === client && !echo) continue;
      delivered += subscription.sink.deliver(subscription, batch, index, index + 1);
    }
    const groups = result.groups;
    for (let i = 0; i < groups.length; i++) if (this.deliverToMember(groups[i], index)) delivered++;
    if (delivered === 0) this.answerNoResponders(index);
  }

  /** One member of the group gets message `index`. */
  private deliverToMember(group: readonly Subscription[], index: number): boolean {
    this.memberIndex = index;
    return selectQueueMember(group, MessageSource.Client, this.client.host.turn.random, this) !== null;
  }

  // QueueDelivery

  tryDeliver(member: Subscription): boolean {
    const { client } = this;
    if (member.sink === client && (client.flags & FLAG_ECHO) === 0) return false;
    return member.sink.deliver(member, this.batch, this.memberIndex, this.memberIndex + 1) > 0;
  }

  /** A client's message comes from no leaf cluster. */
  isEcho(): boolean {
    return false;
  }

  /** Adds what was delivered to the totals of server and account. */
  private commitDelivered(): void {
    const { counters, turn } = this.client.host;
    countDelivered(turn, counters, this.client.account.traffic);
    turn.outMessages = 0;
    turn.outBytes = 0;
  }

  /** The publisher asked to hear of requests that nobody takes, and the batch holds some. */
  private get wantsNoResponders(): boolean {
    return this.batch.hasReplies && (this.client.flags & FLAG_NO_RESPONDERS) !== 0;
  }

  private answerNobody(): void {
    if (!this.wantsNoResponders) return;
    for (let index = 0; index < this.batch.count; index++) this.answerNoResponders(index);
  }

  /** Nobody took message `index`: a publisher that asked for it gets status 503 on its own subscription to the reply subject. */
  private answerNoResponders(index: number): void {
    const { batch, client } = this;
    if ((client.flags & FLAG_NO_RESPONDERS) === 0) return;
    const start = batch.replyStart(index);
    const end = batch.replyEnd(index);
    if (start === end) return;
    const waiting = client.account.interest.match(batch.source, start, end);
    for (const subscription of waiting.plain) {
      if (subscription.sink !== client) continue;
      writeNoResponders(client, subscription.sid, batch, index);
      return;
    }
  }

  private refuseSubjects(): void {
    const { batch } = this;
    for (let index = 0; index < batch.count; index++) {
      const error = this.client.refusePublish(batch.subjectSource.subarray(batch.subjectStart(index), batch.subjectEnd(index)));
      batch.trace?.refuse(error);
    }
  }

  private refuseReply(): void {
    const { batch, client } = this;
    const reply = quote(batch.source, batch.replyStart(0), batch.replyEnd(0));
    const error = refusalText(Refusal.ReplyPermission, reply);
    batch.trace?.refuse(error);
    client.sendError(error);
    client.logError(`Publish Violation - Reply ${reply}`);
  }
}
