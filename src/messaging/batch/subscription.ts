import { Origin, type TrieEntry } from "../subject/trie-entry.ts";
import type { Sink } from "./sink.ts";

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
