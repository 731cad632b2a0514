/**
 * Publishes into an account from inside the process: one message, a batch, or a message from another account.
 *
 *   publish, republish ─▶ a batch with its own bytes ─┐
 *   publishBatch ─▶ the caller's batch ───────────────┴─▶ the account's interest ─▶ FanOut; clients' output leaves at the end of the turn
 * Every matching subscription gets it. The publisher is never stalled, and no message is dropped for a slow consumer: a slow consumer is closed
 * at its limit. Limits and permissions of clients do not apply.
 * Callbacks may publish during a delivery, and so may the receivers of these messages: each nested publish has its own bytes and batch.
 */
import { encode } from "../../base/bytes/ascii.ts";
import { putBytes } from "../../base/bytes/put-bytes.ts";
import { countDelivered, type Delivered, type DeliveryTotals } from "../batch/delivered.ts";
import { type ImportStep, MessageBatch } from "../batch/message-batch.ts";
import type { Originator } from "../batch/originator.ts";
import type { Subscription } from "../batch/subscription.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { MessageSource } from "../subject/queue-selection.ts";
import type { SubjectTrie } from "../subject/subject-trie.ts";
import type { FanOutPublisher } from "./fan-out.ts";
import type { FanOutStack } from "./fan-out-stack.ts";

/** The account into which it publishes. */
export interface PublishAccount {
  readonly interest: SubjectTrie<Subscription>;
  readonly traffic: Delivered;
}

/** The server, as the publisher needs it. */
export interface PublishHost {
  readonly turn: Delivered & {
    readonly fanOuts: FanOutStack;
    /** Output is written when the code that runs now has returned to the event loop. */
    endSoon(): void;
  };
  readonly counters: DeliveryTotals;
}

/** Publishes that nest deeper than this count as an endless loop, which is a defect of the server. */
const NESTING_MAX = 64;
/**
 * How often a message may pass through one account by imports. Such loops come from the configuration, so they are no defect of the server:
 * beyond this number the message is dropped. Half of `NESTING_MAX`, so that the last receiver may still publish.
 */
const CROSSINGS_MAX = NESTING_MAX / 2;
/** Largest buffer for subject, reply, headers and payload that is kept between publishes. */
const KEPT_BYTES_MAX = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** One active publish: its batch, and the bytes to which the batch points. */
class Publication {
  readonly batch = new MessageBatch(1);
  bytes = EMPTY;
}

export class LocalPublisher implements FanOutPublisher {
  readonly source = MessageSource.Internal;
  readonly noResponders = null;
  private readonly account: PublishAccount;
  private readonly host: PublishHost;
  /** By depth of nesting. */
  private readonly publications: Publication[] = [];
  private depth = 0;

  constructor(account: PublishAccount, host: PublishHost) {
    this.account = account;
    this.host = host;
  }

  get interest(): SubjectTrie<Subscription> {
    return this.account.interest;
  }

  /**
   * Delivers one message. Callbacks have run when it returns; clients get it at the end of the turn. The arguments are copied.
   * @param reply reply subject; empty: none
   * @param header a whole header block, from `NATS/1.0` to its blank line; null: none
   * @param originator the publisher, as services of other accounts see it; null: the server, which they do not see
   * @returns how many receivers took it
   * @throws if publishes nest endlessly: a callback answers itself
   */
  publish(
    subject: string | Uint8Array,
    reply: string | Uint8Array,
    header: Uint8Array | null,
    payload: string | Uint8Array,
    originator: Originator | null = null,
  ): number {
    const subjectBytes = bytesOf(subject);
    const result = this.receiversOf(subjectBytes, 0, subjectBytes.length);
    if (result.isEmpty) return 0;
    const publication = this.open();
    const payloadBytes = bytesOf(payload);
    fill(publication, subjectBytes, bytesOf(reply), header, payloadBytes, 0, payloadBytes.length);
    publication.batch.originator = originator;
    return this.deliver(publication, result);
  }

  /**
   * Delivers messages in their order; consecutive messages with the same receivers are delivered together. A change of interest by a callback
   * takes effect with the next message.
   * @param batch source, subjects and messages must be set; borrowed with its bytes until this returns, and not emptied
   * @param first, @param end which messages; by default all
   * @returns number of deliveries, summed over messages and receivers
   * @throws if publishes nest endlessly
   */
  publishBatch(batch: MessageBatch, first = 0, end = batch.count): number {
    this.checkNesting();
    batch.fromClient = false;
    let delivered = 0;
    for (let from = first; from < end; ) {
      const result = this.receiversAt(batch, from);
      const { generation } = this.interest;
      let to = from + 1;
      while (to < end && (batch.subjectStart(to) === batch.subjectStart(from) || this.receiversAt(batch, to) === result)) to++;
      if (!result.isEmpty) delivered += this.deliverCounted(batch, from, to, result, generation);
      from = to;
    }
    return delivered;
  }

  /**
   * Publishes a message of another account here, on behalf of its publisher.
   * @param outer holds the message, at `index`
   * @param header replaces the message's header; null: the header is kept
   * @param step the import through which it comes
   * @param traced false: its trace does not show what happens to it here
   * @returns how many receivers took it; also 0 if it has passed through this account too often, or through too many accounts
   */
  republish(
    outer: MessageBatch,
    index: number,
    subject: Uint8Array,
    reply: Uint8Array,
    header: Uint8Array | null,
    step: ImportStep,
    traced = true,
  ): number {
    const result = this.receiversOf(subject, 0, subject.length);
    if (result.isEmpty || this.depth >= CROSSINGS_MAX || this.host.turn.fanOuts.isFull) return 0;
    const publication = this.open();
    const own = header === null && outer.headerSize(index) > 0 ? outer.header(index) : header;
    const start = outer.start(index) + Math.max(0, outer.headerSize(index));
    fill(publication, subject, reply, own, outer.source, start, outer.end(index));
    const { batch } = publication;
    batch.originator = outer.originator;
    batch.originCluster = outer.originCluster;
    batch.imported = step;
    batch.isAllowedAnswer = outer.isAllowedAnswer;
    if (traced) batch.trace = outer.trace;
    batch.fromClient = outer.fromClient;
    try {
      return this.deliver(publication, result);
    } finally {
      outer.takeStall(batch); // a slow receiver stalls the client that published the message
    }
  }

  /** Receivers that wait for messages of an outer delivery must get them before this message is matched. */
  private receiversOf(source: Uint8Array, start: number, end: number): MatchResult<Subscription> {
    this.host.turn.fanOuts.catchUp();
    return this.interest.match(source, start, end);
  }

  /** Batches are answers: each subject is used once, or for consecutive messages. */
  private receiversAt(batch: MessageBatch, index: number): MatchResult<Subscription> {
    this.host.turn.fanOuts.catchUp();
    return this.interest.matchOnce(batch.subjectSource, batch.subjectStart(index), batch.subjectEnd(index));
  }

  private checkNesting(): void {
    if (this.depth === NESTING_MAX) throw new Error(`publishes nest ${NESTING_MAX} deep: a callback publishes to itself`);
  }

  private open(): Publication {
    this.checkNesting();
    while (this.publications.length <= this.depth) this.publications.push(new Publication());
    return this.publications[this.depth];
  }

  private deliver(publication: Publication, result: MatchResult<Subscription>): number {
    try {
      return this.deliverCounted(publication.batch, 0, 1, result, this.interest.generation);
    } finally {
      publication.batch.clear();
      if (publication.bytes.length > KEPT_BYTES_MAX) publication.bytes = EMPTY;
    }
  }

  private deliverCounted(batch: MessageBatch, from: number, to: number, result: MatchResult<Subscription>, generation: number): number {
    const { counters, turn } = this.host;
    turn.endSoon();
    // The outer delivery keeps its own counts.
    const { outMessages, outBytes } = turn;
    turn.outMessages = 0;
    turn.outBytes = 0;
    this.depth++;
    try {
      return turn.fanOuts.deliver(this, batch, from, to, result, generation);
    } finally {
      this.depth--;
      countDelivered(turn, counters, this.account.traffic);
      turn.outMessages = outMessages;
      turn.outBytes = outBytes;
    }
  }
}

/** Writes the message as a read would contain it: names, headers, payload, CRLF. */
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
  putBytes(subject, 0, subject.length, bytes, 0);
  putBytes(reply, 0, reply.length, bytes, subject.length);
  if (header !== null) putBytes(header, 0, headerSize, bytes, replyEnd);
  putBytes(payload, payloadStart, payloadEnd, bytes, replyEnd + headerSize);
  bytes[end] = 0x0d;
  bytes[end + 1] = 0x0a;
  batch.source = bytes;
  batch.subjectSource = bytes;
  batch.fromClient = false;
  batch.add(0, subject.length, subject.length, replyEnd, header === null ? -1 : headerSize, replyEnd, end);
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? encode(text) : text;
}
