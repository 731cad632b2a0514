/**
 * Participants inside the process: callbacks that subscribe and publish like clients do, without a connection. The server's own services
 * use them.
 *
 *   client, LocalPublisher ─ interest ─▶ LocalSubscriber.deliver ─▶ callback(batch, index), at once, within the delivery
 *                                                                      │ may publish, subscribe, unsubscribe
 *   LocalPublisher.publish ─▶ a batch of its own ─ interest ─▶ clients and callbacks; clients' output leaves at the end of the turn
 *
 * A callback gets the batch and the index of its message, not a message of its own: nothing is allocated or copied, and since every
 * publish has its own batch, what a callback was given stays whole however much it publishes. Not a queue between the two: an answer
 * stands before whatever its client is sent later, and nothing has to be bounded.
 * A callback that throws loses its message and nothing else; the error is reported.
 */
import { encode } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { MessageSource, type QueueDelivery, selectQueueMember } from "../subject/queue-selection.ts";
import type { SubjectTrie } from "../subject/subject-trie.ts";
import { deliverTraced } from "../trace/traced-delivery.ts";
import { countDelivered, type Delivered, type DeliveryTotals } from "./delivered.ts";
import { type ImportStep, MessageBatch } from "./message-batch.ts";
import type { Originator } from "./originator.ts";
import type { Sink } from "./sink.ts";
import { Subscription } from "./subscription.ts";

/** What of an account its local participants use. */
export interface LocalAccount {
  readonly interest: SubjectTrie<Subscription>;
  readonly traffic: Delivered;
}

/** What of a server they use. */
export interface LocalHost {
  readonly turn: Delivered & {
    readonly random: Random;
    /** What was delivered is written when the code that runs now is through. */
    endSoon(): void;
  };
  readonly counters: DeliveryTotals;
}

/**
 * Told of a message: the one at `index` of the batch. Its bytes are borrowed until it returns; `batch.payload(index)` and its like show
 * them, offsets are there for the hot ones. It must not wait: a promise that it makes is its own.
 */
export type LocalCallback = (batch: MessageBatch, index: number, subscription: Subscription) => void;

const NO_SID = new Uint8Array(0);

class LocalSubscription extends Subscription {
  readonly callback: LocalCallback;

  constructor(sink: Sink, subject: Uint8Array, queue: Uint8Array | null, callback: LocalCallback) {
    super(sink, subject, queue, NO_SID);
    this.callback = callback;
  }
}

/** Owner of any number of callbacks in one account. */
export class LocalSubscriber implements Sink {
  mark = 0;
  /** A callback may change interest, or publish, between two messages. */
  readonly takesRuns = false;
  /** Set while its owner publishes what is meant for others only: nothing is delivered, and of a queue group another member gets it. */
  deaf = false;
  private readonly account: LocalAccount;
  private readonly onError: (error: unknown, subscription: Subscription) => void;
  private readonly subscriptions = new Set<LocalSubscription>();

  /** @param onError told what a callback threw */
  constructor(account: LocalAccount, onError: (error: unknown, subscription: Subscription) => void) {
    this.account = account;
    this.onError = onError;
  }

  /** How many subscriptions it has. */
  get size(): number {
    return this.subscriptions.size;
  }

  /**
   * From the next message on, also when called from a callback.
   * @param subject may have wildcards
   * @param queue name of the queue group, of which one member gets each message
   * @param deliveredMax gone after so many messages; 0: no limit
   * @returns what `unsubscribe` takes; null when the subject is not valid
   */
  subscribe(subject: string, queue: string | null, callback: LocalCallback, deliveredMax = 0): Subscription | null {
    const subscription = new LocalSubscription(this, new Uint8Array(encode(subject)), queue === null ? null : encode(queue), callback);
    if (!this.account.interest.insert(subscription)) return null;
    subscription.deliveredMax = deliveredMax;
    this.subscriptions.add(subscription);
    return subscription;
  }

  /** At once; does nothing for one that has ended. A subscription of somebody else's is none of its business. */
  unsubscribe(subscription: Subscription): void {
    if (!this.subscriptions.delete(subscription as LocalSubscription)) return;
    subscription.closed = true;
    this.account.interest.remove(subscription);
  }

  /** Ends all of them. */
  close(): void {
    const all = [...this.subscriptions];
    this.subscriptions.clear();
    for (const subscription of all) subscription.closed = true;
    this.account.interest.removeBatch(all);
  }

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    if (this.deaf) return 0;
    let index = from;
    // Asked again for every message: a callback may have ended it.
    for (; index < to && !subscription.closed; index++) {
      const most = subscription.deliveredMax;
      if (++subscription.delivered === most) this.unsubscribe(subscription);
      try {
        (subscription as LocalSubscription).callback(batch, index, subscription);
      } catch (error) {
        this.onError(error, subscription);
      }
    }
    return index - from;
  }
}

/** Publishes within callbacks within publishes … are a loop of ours from here on. */
const NESTING_MAX = 64;
/**
 * Messages that come through imports into an account within messages of it: so often may a message pass through one account on its way.
 * That is what somebody else wrote into accounts, no mistake of ours: beyond it nobody takes the message. Half, so that whoever gets it
 * may publish.
 */
const CROSSINGS_MAX = NESTING_MAX / 2;
/** Room for subject, reply, headers and payload that is kept between publishes. */
const KEPT_BYTES_MAX = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** One publish under way: its batch, and the bytes that it points into. */
class Publication implements QueueDelivery<Subscription> {
  readonly batch = new MessageBatch(1);
  bytes = EMPTY;

  /** Order as the reference's: every plain subscription, then one member of each queue group. Returns how many took it. */
  deliver(result: MatchResult<Subscription>, random: Random): number {
    if (this.batch.trace !== null) return deliverTraced(this.batch, result, MessageSource.Internal, random);
    let delivered = 0;
    for (const subscription of result.plain) {
      if (!this.isEchoTo(subscription)) delivered += subscription.sink.deliver(subscription, this.batch, 0, 1);
    }
    for (const group of result.groups) if (selectQueueMember(group, MessageSource.Internal, random, this) !== null) delivered++;
    return delivered;
  }

  tryDeliver(member: Subscription): boolean {
    return !this.isEchoTo(member) && member.sink.deliver(member, this.batch, 0, 1) > 0;
  }

  isEcho(): boolean {
    return false;
  }

  /** Back to a client that published it and wants no echo. */
  private isEchoTo({ sink }: Subscription): boolean {
    const { originator } = this.batch;
    return originator !== null && originator.sink === sink && !originator.echo;
  }
}

/**
 * Publishes into an account from inside the process. Everyone with interest gets it, whoever published: there is no echo to switch off.
 * Never stalled, and never dropped for a slow consumer: that one is closed at its limit. Not bound by limits or permissions of clients.
 */
export class LocalPublisher {
  private readonly account: LocalAccount;
  private readonly host: LocalHost;
  /** By depth of nesting. */
  private readonly publications: Publication[] = [];
  private depth = 0;

  constructor(account: LocalAccount, host: LocalHost) {
    this.account = account;
    this.host = host;
  }

  /**
   * Delivers one message. Callbacks have run when it returns; clients get it at the end of the turn. The arguments are copied.
   * @param reply empty: no answer is wanted
   * @param header a whole header block, from `NATS/1.0` to its blank line; null: none
   * @param originator who services of other accounts are told that it is; null: the server, of which they are told nothing
   * @returns how many took it; 0: nobody is there
   * @throws when publishes nest without end: a callback that answers itself
   */
  publish(
    subject: string | Uint8Array,
    reply: string | Uint8Array,
    header: Uint8Array | null,
    payload: string | Uint8Array,
    originator: Originator | null = null,
  ): number {
    const subjectBytes = bytesOf(subject);
    const result = this.account.interest.match(subjectBytes, 0, subjectBytes.length);
    if (result.isEmpty) return 0;
    const publication = this.open();
    const payloadBytes = bytesOf(payload);
    fill(publication, subjectBytes, bytesOf(reply), header, payloadBytes, 0, payloadBytes.length);
    publication.batch.originator = originator;
    return this.deliver(publication, result);
  }

  /**
   * Publishes a message of another account here, on behalf of whoever published it there.
   * @param outer holds the message, at `index`
   * @param header instead of the message's own; null: that one
   * @param step the import that it comes through
   * @param followed false: what becomes of it here is not told, whoever follows it there
   * @returns how many took it; 0 too when it passes through this account again and again
   */
  republish(
    outer: MessageBatch,
    index: number,
    subject: Uint8Array,
    reply: Uint8Array,
    header: Uint8Array | null,
    step: ImportStep,
    followed = true,
  ): number {
    const result = this.account.interest.match(subject, 0, subject.length);
    if (result.isEmpty || this.depth >= CROSSINGS_MAX) return 0;
    const publication = this.open();
    const own = header === null && outer.headerSize(index) > 0 ? outer.header(index) : header;
    const start = outer.start(index) + Math.max(0, outer.headerSize(index));
    fill(publication, subject, reply, own, outer.source, start, outer.end(index));
    const { batch } = publication;
    batch.originator = outer.originator;
    batch.imported = step;
    if (followed) batch.trace = outer.trace;
    batch.fromClient = outer.fromClient;
    try {
      return this.deliver(publication, result);
    } finally {
      // Whoever was too slow for it stalls the one who published it.
      if (batch.stallMs > outer.stallMs) {
        outer.stallMs = batch.stallMs;
        outer.stalledBy = batch.stalledBy;
      }
      batch.stallMs = 0;
      batch.stalledBy = null;
    }
  }

  private open(): Publication {
    if (this.depth === NESTING_MAX) throw new Error(`publishes nest ${NESTING_MAX} deep: a callback publishes to itself`);
    this.host.turn.endSoon();
    if (this.publications.length === this.depth) this.publications.push(new Publication());
    return this.publications[this.depth];
  }

  private deliver(publication: Publication, result: MatchResult<Subscription>): number {
    const { turn } = this.host;
    // What the delivery around this one has counted is its own.
    const { outMessages, outBytes } = turn;
    turn.outMessages = 0;
    turn.outBytes = 0;
    this.depth++;
    try {
      return publication.deliver(result, turn.random);
    } finally {
      this.depth--;
      countDelivered(turn, this.host.counters, this.account.traffic);
      turn.outMessages = outMessages;
      turn.outBytes = outBytes;
      publication.batch.clear();
      if (publication.bytes.length > KEPT_BYTES_MAX) publication.bytes = EMPTY;
    }
  }
}

/** Lays the message out as a read would have it: names, headers, payload, CRLF. */
function fill(
  publication: Publication,
  subject: Uint8Array,
  reply: Uint8Array,
  header: Uint8Array | null,
  payload: Uint8Array,
  payloadStart: number,
  payloadEnd: number,
): void {
  const headerSize = header === null ? 0 : header.length;
  const replyEnd = subject.length + reply.length;
  const end = replyEnd + headerSize + payloadEnd - payloadStart;
  if (publication.bytes.length < end + 2) publication.bytes = Buffer.allocUnsafeSlow(Math.max(512, end + 2));
  const { batch, bytes } = publication;
  put(subject, 0, subject.length, bytes, 0);
  put(reply, 0, reply.length, bytes, subject.length);
  if (header !== null) put(header, 0, headerSize, bytes, replyEnd);
  put(payload, payloadStart, payloadEnd, bytes, replyEnd + headerSize);
  bytes[end] = 0x0d;
  bytes[end + 1] = 0x0a;
  batch.source = bytes;
  batch.subjectSource = bytes;
  batch.fromClient = false;
  batch.add(0, subject.length, subject.length, replyEnd, header === null ? -1 : headerSize, replyEnd, end);
}

/** A native copy costs as much as 48 bytes one by one (bench/micro/delivery.ts). */
const LOOP_BYTES_MAX = 48;

function put(source: Uint8Array, start: number, end: number, target: Buffer, at: number): void {
  if (end - start > LOOP_BYTES_MAX) target.set(source.subarray(start, end), at);
  else for (let from = start, to = at; from < end; from++, to++) target[to] = source[from];
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? encode(text) : text;
}
