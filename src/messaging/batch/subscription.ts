/** A subscription, and the sink that owns it and receives its messages. */

import { Origin, type TrieEntry } from "../subject/trie-entry.ts";
import type { TracedReceiver } from "../trace/message-trace.ts";
import type { MessageBatch } from "./message-batch.ts";

/** Decides by subject which messages of a subscription are delivered. */
export interface SubjectFilter {
  /** Subjects shorter than `sizeMin` or longer than `sizeMax` bytes are always allowed; `allows` need not be called for them. */
  readonly sizeMin: number;
  readonly sizeMax: number;
  /** Nor for subjects with another byte than `byteThere` at this offset, which is below `sizeMin`; -1: the byte does not matter. */
  readonly byteAt: number;
  readonly byteThere: number;
  /** @param subject bytes `start` to `end`: the subject as the client sees it; borrowed for the call */
  allows(subject: Uint8Array, start: number, end: number): boolean;
}

/** Translates subjects of an exporting account into those of the importing account. */
export interface SubjectView {
  /** Whether traces may show deliveries in the importing account. */
  readonly allowTrace: boolean;
  /**
   * Writes the subject as the importing account sees it.
   * @returns the offset after it; -1: the target is too small
   */
  write(source: Uint8Array, start: number, end: number, target: Buffer, at: number): number;
}

/** A sink's interest in a subject. It is in the account's trie, and in the owner's table under its `sid`. */
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
  /** The subscription is removed after this number of deliveries; 0: no limit. */
  deliveredMax = 0;
  /** Called for each message; null: all messages are delivered. */
  filter: SubjectFilter | null = null;
  /** Translates subjects if the subscription is in the trie of another account, for a stream import; null: it is in its own account's trie. */
  view: SubjectView | null = null;
  /** Its shadows in the tries of accounts whose streams its account imports; null: none. */
  shadows: readonly Subscription[] | null = null;
  /** No longer in the trie. It gets no messages, also if an older match result contains it. */
  closed = false;

  constructor(sink: Sink, subject: Uint8Array, queue: Uint8Array | null, sid: Uint8Array, origin: Origin = Origin.Local) {
    this.sink = sink;
    this.subject = subject;
    this.queue = queue;
    this.sid = sid;
    this.origin = origin;
  }

  /** Deliveries need checks or translation. */
  get special(): boolean {
    return this.filter !== null || this.view !== null;
  }
}

/**
 * The owner of subscriptions, which receives their messages: a client connection, a callback inside the process, a service import; later a
 * route, a stream. Matching and fan-out know only this interface.
 */
export interface Sink {
  /** Used by the fan-out only: tells whether it has already found this sink. */
  mark: number;
  /**
   * True: `deliver` only queues output, so the output is the same for single messages and for a run. False for code inside the process, which
   * may publish or change interest between two messages.
   */
  readonly takesRuns: boolean;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive) of the batch for one of its subscriptions. Synchronous: the batch's bytes are
   * borrowed until it returns. The sink applies its limits and filters. A subscription that is not `special` takes a run from its first
   * message on.
   * @returns how many messages it took; 0 if it is closed or all messages were filtered out. A queue group then tries its next member.
   */
  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number;

  /** Set if the sink is a connection to another server: `deliver` is never called, but `carry`. Absent: the receiver is on this server. */
  readonly remote?: RemotePeer;

  /** Account of a stream, for traces of what it gets from another account. */
  readonly accountName?: string;

  /** How traces show it. Absent for receivers inside the process, which do not appear in traces. */
  readonly traced?: TracedReceiver;
}

/** Another server that has subscribed for its own clients. It gets each message once, however many of its subscriptions match. */
export interface RemotePeer {
  /** Name of the leaf cluster of the subscription; empty: none, or a cluster without a name. */
  clusterOf(subscription: Subscription): string;

  /**
   * Takes messages `from` (inclusive) to `to` (exclusive), to be sent once each. Synchronous, as `Sink.deliver`.
   * @param subscription the first of its subscriptions that matched
   * @param queues names of the queue groups of which it must deliver to one member each; borrowed until it returns
   * @returns how many it took
   */
  carry(subscription: Subscription, batch: MessageBatch, from: number, to: number, queues: readonly Uint8Array[]): number;
}
