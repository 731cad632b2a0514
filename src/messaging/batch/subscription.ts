import { Origin, type TrieEntry } from "../subject/trie-entry.ts";
import type { Sink } from "./sink.ts";

/** Which messages of a subscription may not be delivered, by subject. */
export interface SubjectFilter {
  /** Subjects of fewer or more bytes are all allowed: need not be asked about. */
  readonly sizeMin: number;
  readonly sizeMax: number;
  /** @param subject bytes `start` to `end`, the subject as the client is told it; borrowed for the call */
  allows(subject: Uint8Array, start: number, end: number): boolean;
}

/** How the subjects of an exporting account look in the one that imports them. */
export interface SubjectView {
  /** Whether messages are followed to whoever sees them here. */
  readonly allowTrace: boolean;
  /**
   * Writes the subject as it is seen here.
   * @returns the offset behind it; -1: the target is too short
   */
  write(source: Uint8Array, start: number, end: number, target: Buffer, at: number): number;
}

/** A sink's interest in a subject. Lives in the account's trie and in its owner's table by `sid`. */
export class Subscription implements TrieEntry {
  readonly sink: Sink;
  readonly subject: Uint8Array;
  readonly queue: Uint8Array | null;
  /** The owner's name for it, as it came over the wire. */
  readonly sid: Uint8Array;
  readonly origin: Origin;
  weight = 1;
  /** Messages delivered. */
  delivered = 0;
  /** Removed after so many deliveries; 0: no limit. */
  deliveredMax = 0;
  /** Asked for each message; null: all may be delivered. */
  filter: SubjectFilter | null = null;
  /** In another account's trie, on behalf of a subscription here: how its subjects look here; null: it is in its own account's. */
  view: SubjectView | null = null;
  /** What stands for it in the tries of accounts whose streams its own imports; null: nothing. */
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

  /** Takes the longer way at delivery. */
  get special(): boolean {
    return this.filter !== null || this.view !== null;
  }
}
