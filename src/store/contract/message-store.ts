/**
 * A store of messages: the contract of the file store and the memory store. A stream owns one; a RAFT log will be one.
 *
 *   check ─▶ append ─▶ applied ─ flush ─▶ written ─ commit ─▶ durable          reads: load, lastOf, scan: Found, Missing, Cold
 *                        │
 *                        └─ limits remove older messages ─▶ observer.onRemoved
 * All changes take effect at once in memory (`applied` rises); what leaves the server waits until `durable` has reached the change that it depends
 * on. A store knows no server, no account, no clock: times are handed in.
 *
 * Cold: messages that are not in memory are read from the disk outside the event loop. A call that needs them changes nothing and returns `Cold`;
 * await `warm()`, then call again. What takes long is a `Job` (base/scheduling/job.ts), or stops with `Paused` when its share of work is used up.
 *
 * Sequences are safe integers from 1 to 2^53 - 1, never reused. A sequence beyond is refused before it reaches a store.
 */
import type { Job } from "../../base/scheduling/job.ts";
import type { Message } from "./message.ts";
import type { StoreLimits } from "./store-limits.ts";
import type { StoreState } from "./store-state.ts";
import type { SubjectFilters } from "./subject-filters.ts";

export const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER;
/** Returned instead of a sequence, see `MessageStore.warm`. */
export const COLD = -1;
/** Returned instead of a sequence: the disk has failed, and the store is frozen (`MessageStore.failure`). */
export const NOT_STORED = 0;
/** Largest record, bytes, headers of the record included. */
export const RECORD_BYTES_MAX = 32 * 1024 * 1024;

/** Result of a read. */
export enum Read {
  Found = 0,
  /** Never stored, deleted, expired, or at the end of a scan. */
  Missing,
  /** Not in memory: await `warm()`, then ask again. */
  Cold,
  /** The share of work is used up: ask again later, the scan continues where it was. */
  Paused,
  /** The bytes on the disk are damaged: the message is lost. */
  Damaged,
}

/** Why a message cannot be stored. */
export enum StoreRefusal {
  None = 0,
  /** `message too large`: its record would exceed `RECORD_BYTES_MAX`. */
  TooLarge,
  /** Discard policy `new`: */
  MaxMessages,
  MaxBytes,
  MaxMessagesPerSubject,
  /** An earlier write or sync failed; `MessageStore.failure` has the error. Reads go on. */
  Failed,
  /** The disk is full: the message would not fit into what is reserved. Writing goes on when there is room again. */
  NoSpace,
  /** The store is closed. */
  Closed,
}

/** Why a message was removed. */
export enum RemovalReason {
  /** A limit: messages, bytes, messages per subject. */
  Limit = 0,
  Age,
  Ttl,
  /** A request: message delete, purge, compact, truncate, an acknowledgement. */
  Request,
}

/** Who owns the store. Methods are called synchronously, within the change; they must not change the store. */
export interface StoreObserver {
  /** Bytes and messages that the store holds changed. Deltas may be negative. Called once per change of one or many messages. */
  onUsage(messages: number, bytes: number): void;
  /** One message was removed. @param subject borrowed for the call */
  onRemoved(sequence: number, subject: Uint8Array, start: number, end: number, reason: RemovalReason): void;
  /** All messages below a sequence, at least one, were removed without `onRemoved`: a full purge, a compact. */
  onRemovedBelow(sequence: number): void;
  /** `durable` has risen. Never within a call of the store: at an event of the disk. */
  onDurable(): void;
  /**
   * A write or a sync failed. With `canRecover` (the disk is full) the store cuts back to its last whole record, and resumes by itself: `onResumed`.
   * Otherwise it is frozen: changes are refused with `Failed`, reads go on.
   */
  onFailure(error: Error, canRecover: boolean): void;
  onResumed(): void;
}

/** A walk over messages in ascending or descending order of sequences. Messages that are stored or removed meanwhile are seen as they are then. */
export interface MessageScan {
  /** The next call of `step` looks at this sequence first. May be set. */
  position: number;
  /** Finds the next message and moves `position` behind it. `Missing`: there is none, and `position` is behind the end of the store. */
  step(into: Message): Read;
}

export interface SubjectTotal {
  readonly subject: string;
  readonly messages: number;
}

export interface SubjectPage {
  readonly totals: SubjectTotal[];
  /** Number of all subjects that match. */
  readonly found: number;
}

export interface MessageStore {
  /** Live; read it whenever it is needed. */
  readonly state: StoreState;
  readonly limits: StoreLimits;
  /** Number of changes that took effect in memory. */
  readonly applied: number;
  /** Number of changes that survive a power failure; at most `applied`. A memory store returns `applied`. */
  readonly durable: number;
  /** Messages up to this sequence, if they still exist, are durable. A memory store returns the last sequence. */
  readonly durableSequence: number;
  /** The error that froze the store; null: none. */
  readonly failure: Error | null;
  /** The disk is full: changes are held in memory, and are durable when there is room again. */
  readonly isHolding: boolean;

  // Writing

  /** Whether `append` would take the message. Depends on the message's subject and sizes only; its time and sequence need not be set. */
  check(message: Message): StoreRefusal | typeof COLD;
  /**
   * Stores a message as the next sequence and removes older ones above the limits. The caller has called `check`. Copies the bytes.
   * @param message its time is used, its sequence is set
   * @param ttlSeconds its time to live, counted from its time; 0: it has none of its own; -1: it never expires, not even by age
   * @returns the sequence; `COLD`: nothing has changed; `NOT_STORED`: the disk has failed within the call
   */
  append(message: Message, ttlSeconds: number): number;
  /** The same at a given sequence above the last one. Sequences between become a gap. */
  storeRaw(message: Message, ttlSeconds: number): number;
  /** Uses up the next sequence without a message, as interest retention does. The time becomes the last one. @returns the sequence */
  skip(timeHigh: number, timeLow: number): number;
  /** Uses up `count` sequences from `first`, which follows the last one. At least 1. The time counts only if the store has no last time yet. */
  skipRange(first: number, count: number, timeHigh: number, timeLow: number): void;
  /** Removes one message. Found: it is removed. */
  remove(sequence: number): Read;
  /** Removes one message and overwrites its bytes on the disk before the change counts as durable. */
  erase(sequence: number): Job<boolean>;
  /**
   * Removes messages and returns how many.
   * @param filter a subject, may have wildcards; null or `>`: all
   * @param below only messages below this sequence; 0: all up to the last one at the time of the call. Without a filter as `compact`
   * @param keep keeps this number of the newest messages (that match); 0: none. Not together with `below`.
   */
  purge(filter: string | null, below: number, keep: number): Job<number>;
  /**
   * Removes all messages below a sequence; the first sequence is at least this one afterwards. 0: nothing happens. Beyond the last sequence: the next
   * message gets this one. So it also sets the first sequence of a new stream. The last time stays.
   * @returns how many
   */
  compact(below: number): Job<number>;
  /**
   * Removes all messages above a sequence; the next message gets the one after it. 0: the store is as new; at or beyond the last one: nothing happens.
   * Only the usage is reported to the observer. Nothing may be stored until it ends.
   */
  truncate(above: number): Job<void>;
  /**
   * Removes messages whose age or time to live has ended, oldest first. With markers, the last message of a subject is not removed: it is handed
   * to `onLast`, which must store a marker for the subject with `append` (whose roll-up removes it). Its bytes are borrowed until `onLast` ends; `append`
   * may be called with its subject. A last message that is a marker itself is removed.
   * @returns when to call again: nanoseconds since 1970; null: nothing expires
   */
  expire(timeHigh: number, timeLow: number, onLast: (message: Message) => void): Job<bigint | null>;
  /** When the first message expires; null: none does. */
  readonly nextExpiry: bigint | null;
  /** Replaces the limits, and removes what they no longer allow. */
  reconfigure(limits: StoreLimits): Job<void>;
  /** Whether what is complete is compressed on the disk. Existing blocks are converted in the background; nothing waits for it. */
  setCompression(compressed: boolean): void;
  /** Writes what was appended to the operating system, and asks for a commit. Once at the end of a turn. */
  flush(): void;

  // Reading: everything that is applied. The caller waits for `durable` before it shows it to others.

  /** Reads a message. @param into its bytes are borrowed until the next call of the store, or the next `await` */
  load(sequence: number, into: Message): Read;
  /** Resolves when the messages are in memory that calls returned `Cold` for. Never rejects; a read error shows at the next call (`Damaged`). */
  warm(): Promise<void>;
  /** The last sequence of a literal subject, from the index alone; 0: none. */
  lastOf(subject: Uint8Array, start: number, end: number): number | typeof COLD;
  /** The last sequence that matches a subject with wildcards, up to `atMost`; 0: none. */
  lastMatching(filter: string, atMost: number): Job<number>;
  /** The first sequence whose message is not older; the last sequence plus one: all are older. */
  sequenceAt(timeHigh: number, timeLow: number): number | typeof COLD;
  /** @param filters null: all messages @param from sequence @param direction 1 ascending, -1 descending */
  scan(filters: SubjectFilters | null, from: number, direction?: 1 | -1): MessageScan;
  /** Messages of a literal subject. */
  totalOf(subject: Uint8Array, start: number, end: number): number;
  /**
   * Subjects that match, with their number of messages: a page of them in the order of their bytes, and how many there are.
   * @param skipped subjects before the page @param most subjects in the page
   */
  subjectTotals(filter: string, skipped: number, most: number): Job<SubjectPage>;
  /** Messages from a sequence on that match. @param lastPerSubject counts only the last one of each subject */
  countFrom(sequence: number, filters: SubjectFilters | null, lastPerSubject: boolean): Job<{ messages: number; upTo: number }>;
  /**
   * The last sequence of each subject that matches a filter, ascending.
   * @param upTo only messages up to this sequence; 0: all @param most null is returned when there are more subjects; 0: any number
   */
  lastPerSubject(filters: readonly string[], upTo: number, most: number): Job<number[] | null>;
  /** Runs of sequences between the first and the last one that hold no message, ascending: first sequence, length, first sequence, length … */
  deleted(): Job<number[]>;

  // Closing

  /** Waits until everything is durable, writes the state files and closes the files. Changes are refused from the call on. An error is a failure. */
  close(): Promise<void>;
  /** Closes and removes everything on the disk; durable when it resolves. */
  destroy(): Promise<void>;
}
