/** A subscription, and the sink that owns it and receives its messages. */

import { Origin, type TrieEntry } from "../subject/trie-entry.ts";
import type { TracedReceiver } from "../trace/message-trace.ts";
import type { MessageBatch } from "./message-batch.ts";

/** Which messages of a subscription may not be delivered, by subject. */
export interface SubjectFilter {
  /** Subjects shorter than `sizeMin` or longer than `sizeMax` bytes are always allowed; `allows` need not be called for them. */
  readonly sizeMin: number;
  readonly sizeMax: number;
  /** @param subject bytes `start` to `end`, the subject as the client is told it; borrowed for the call */
  allows(subject: Uint8Array, start: number, end: number): boolean;
}

/** Translates subjects of an exporting account into those of the importing account. */
export interface SubjectView {
  /** Whether traces may show deliveries in the importing account. */
  readonly allowTrace: boolean;
  /**
   * Writes the subject as the importing account sees it.
   * @returns the offset behind it; -1: the target is too short
   */
  write(source: Uint8Array, start: number, end: number, target: Buffer, at: number): number;
}

/** A sink's interest in a subject. Lives in the account's trie and in its owner's table by `sid`. */
export class Subscription implements TrieEntry {
  readonly sink: Sink;
  readonly subject: Uint8Array;
  readonly queue: Uint8Array | null;
  /** The owner's identifier, as it came over the wire. */
  readonly sid: Uint8Array;
  readonly origin: Origin;
  weight = 1;
  /** Messages delivered. */
  delivered = 0;
  /** Removed after so many deliveries; 0: no limit. */
  deliveredMax = 0;
  /** Asked for each message; null: all may be delivered. */
  filter: SubjectFilter | null = null;
  /** Translates subjects, if it stands in the trie of another account for a stream import; null: it is in its own account's trie. */
  view: SubjectView | null = null;
  /** Its shadows in the tries of accounts whose streams its account imports; null: none. */
  shadows: readonly Subscription[] | null = null;
  /** No longer in the trie; a result that still names it must not deliver. */
  closed = false;

  constructor(sink: Sink, subject: Uint8Array, queue: Uint8Array | null, sid: Uint8Array, origin: Origin = Origin.Local) {
    this.sink = sink;
    this.subject = subject;
    this.queue = queue;
    this.sid = sid;
    this.origin = origin;
  }

  /** It needs checks or translation at delivery. */
  get special(): boolean {
    return this.filter !== null || this.view !== null;
  }
}

/**
 * The owner of subscriptions, who receives their messages: a client connection, a callback in the process, a service import; later a
 * route, a stream. Matching and fan-out know nothing else of it.
 */
export interface Sink {
  /** Scratch of the fan-out: tells whether it has met this sink. */
  mark: number;
  /**
   * True: `deliver` only queues output, so that nobody can see whether messages came one by one or as a run. False for code inside the
   * process, which may publish or change interest between two messages.
   */
  readonly takesRuns: boolean;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive) of the batch for one of its subscriptions. Synchronous: the batch's bytes
   * belong to the caller again when it returns. Limits and filters at delivery are the sink's own. A subscription without them
   * (`Subscription.special`) takes a run from its start.
   * @returns how many messages it took; 0 when it is closed, or every one was filtered out. A queue group then asks its next member.
   */
  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number;

  /** The server at the other end. Absent: it receives messages here. Its `deliver` is never called. */
  readonly remote?: RemotePeer;

  /** How traces call it. Absent for receivers in the process, which do not appear in traces. */
  readonly traced?: TracedReceiver;
}

/** A server that has subscribed for its own clients: gets each message once, whatever it matched there. */
export interface RemotePeer {
  /** Name of the leaf cluster that the subscription stands for; empty: none, or one without a name. */
  clusterOf(subscription: Subscription): string;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive), to be sent once each. Synchronous, as `Sink.deliver`.
   * @param subscription the first of its subscriptions that matched
   * @param queues names of the queue groups of which it shall serve one member each; borrowed until it returns
   * @returns how many it took
   */
  carry(subscription: Subscription, batch: MessageBatch, from: number, to: number, queues: readonly Uint8Array[]): number;
}
