import { Origin, type TrieEntry } from "../subject/trie-entry.ts";
import type { Sink } from "./sink.ts";

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
  /** No longer in the trie; a result that still names it must not deliver. */
  closed = false;

  constructor(sink: Sink, subject: Uint8Array, queue: Uint8Array | null, sid: Uint8Array, origin: Origin = Origin.Local) {
    this.sink = sink;
    this.subject = subject;
    this.queue = queue;
    this.sid = sid;
    this.origin = origin;
  }
}
