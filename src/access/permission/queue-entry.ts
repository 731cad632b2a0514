import { bytesEqual } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { membersOf } from "../../messaging/subject/queue-group.ts";
import { hasWildcard } from "../../messaging/subject/subject.ts";
import { isSubset } from "../../messaging/subject/subject-overlap.ts";
import type { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import { Origin, type TrieEntry } from "../../messaging/subject/trie-entry.ts";
import { Pattern } from "./pattern.ts";
import { DIRECT_PATTERNS_MAX, uncachedTrie } from "./pattern-set.ts";

/**
 * Entries of a subscribe list that name a queue: `orders.> workers.*`.
 *
 * A check names a subject and a queue and has three results, because an allow list's decision about a queue depends on
 * whether any entry for the subject names a queue.
 */
export enum QueueVerdict {
  /** No entry covers the subject. */
  None,
  /** Entries cover the subject, but not this queue. */
  OtherQueue,
  /** An entry covers both subject and queue. */
  SameQueue,
}

export class QueueEntry implements TrieEntry {
  readonly pattern: Pattern;
  readonly queue: Uint8Array;
  readonly origin = Origin.Local;
  weight = 1;
  private readonly queueHasWildcard: boolean;

  constructor(subject: Uint8Array, queue: Uint8Array) {
    this.pattern = new Pattern(subject);
    this.queue = queue;
    this.queueHasWildcard = hasWildcard(queue, 0, queue.length);
  }

  get subject(): Uint8Array {
    return this.pattern.subject;
  }

  /** Queue names are compared like subjects: `workers.*` covers `workers.eu`, and also a queue named `workers.*`. */
  coversQueue(queue: Uint8Array): boolean {
    if (bytesEqual(queue, this.queue)) return true;
    return this.queueHasWildcard && isSubset(queue, 0, queue.length, this.queue, 0, this.queue.length);
  }
}

export class QueueEntrySet {
  readonly entries: readonly QueueEntry[];
  private readonly trie: SubjectTrie<QueueEntry> | null;

  constructor(entries: readonly QueueEntry[], random: Random) {
    this.entries = entries;
    this.trie = entries.length <= DIRECT_PATTERNS_MAX ? null : uncachedTrie<QueueEntry>(random);
    if (this.trie !== null) for (const entry of entries) this.trie.insert(entry);
  }

  /** @param source borrowed for the call */
  verdict(source: Uint8Array, start: number, end: number, queue: Uint8Array): QueueVerdict {
    if (this.trie !== null) return this.trieVerdict(this.trie, source, start, end, queue);
    let verdict = QueueVerdict.None;
    for (const entry of this.entries) {
      if (!entry.pattern.covers(source, start, end)) continue;
      if (entry.coversQueue(queue)) return QueueVerdict.SameQueue;
      verdict = QueueVerdict.OtherQueue;
    }
    return verdict;
  }

  private trieVerdict(trie: SubjectTrie<QueueEntry>, source: Uint8Array, start: number, end: number, queue: Uint8Array): QueueVerdict {
    const { groups } = trie.match(source, start, end);
    for (const group of groups) if (membersOf(group)[0].coversQueue(queue)) return QueueVerdict.SameQueue; // a group has one queue
    return groups.length === 0 ? QueueVerdict.None : QueueVerdict.OtherQueue;
  }
}
