import { assert } from "../../base/assert/assert.ts";
import { FULL, STAR } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { HashKey, hashBytes } from "./byte-hash.ts";
import { Change, EntryTable } from "./entry-table.ts";
import { type InterestListener, InterestWatch, WatchError } from "./interest-watch.ts";
import { MatchResult } from "./match-result.ts";
import { MergeMemo } from "./merge-memo.ts";
import { NONE, NodeTable, ROOT } from "./node-table.ts";
import { ResultCache } from "./result-cache.ts";
import { hasWildcard, isInsertable } from "./subject.ts";
import { TokenScan } from "./token-scan.ts";
import type { TrieEntry } from "./trie-entry.ts";
import { levelCount, TrieWalk } from "./trie-walk.ts";

/**
 * Subject trie: finds the subscriptions that match a literal subject.
 *
 *   orders ─┬─ eu ── created   [7]
 *           ├─ *  ── created   [9]
 *           └─ >               [3]        match("orders.eu.created") → 3, 7, 9
 *
 * Three steps, each more expensive than the one before. None of them creates a string:
 *
 *   hash of the bytes ─→ ResultCache ──miss──→ TrieWalk over NodeTable ──several nodes──→ MergeMemo
 *                        result                   one node: the node's own result (EntryTable)
 *
 * With one regular expression per subscription, a publish would have to try each of them. NodeTable explains why nodes have no Map.
 * Invariants: every node except the root has an entry or a child. A returned result never changes. `generation` changes whenever a result may
 * change, so code that keeps a result compares the number and needs no callback.
 */

export interface TrieStats {
  subs: number;
  cacheSize: number;
  inserts: number;
  removes: number;
  matches: number;
  cacheHits: number;
  /** Hits per match; may exceed 1, as checks of interest count as hits but not as matches. */
  hitRate: number;
  /** Plain entries plus queue groups, over the cached results. */
  maxFanout: number;
  avgFanout: number;
}

export interface TrieOptions {
  /** Whether results are cached by subject. False for accounts whose interest changes all the time. */
  cache: boolean;
  random: Random;
  /** Runs a task after the current call: the sweep of a full cache, and the release of removed entries. */
  schedule: (task: () => void) => void;
  /** Counts its work; absent: its own. */
  meter?: WorkMeter;
}

/** Work of an insertion or a removal, besides look-ups. */
const CHANGE_UNITS = 4;

/** From this number of removed entries on, clearing the cache is cheaper than searching it for the subjects of each entry. */
const BATCH_LARGE = 8;

export class SubjectTrie<E extends TrieEntry> {
  /** Rises with each insertion, removal, batch of removals and change of weight. */
  generation = 0;
  /** Entries in the trie. */
  count = 0;
  /**
   * A number for the subject of the last `match`, if that is in the cache; 0: it is not. Callers can keep data about a subject under this number
   * instead of under its bytes, as long as `stampEpoch` stays the same.
   */
  matchedStamp = 0;
  /** Stamps of another epoch belong to other subjects. */
  stampEpoch = 0;

  /** Of the cache. Nodes have their own, which may change. Callers may use it for other tables of the same clients. */
  readonly hashKey = HashKey.secret();
  /** Counts the work of matches that the cache does not know, and of changes: about a unit per node that is visited. */
  readonly meter: WorkMeter;
  private readonly nodes: NodeTable;
  private readonly entries: EntryTable<E>;
  private readonly tokens: TokenScan;
  private readonly walk: TrieWalk<E>;
  private readonly cache: ResultCache<E> | null;
  private readonly watch = new InterestWatch();
  private readonly merged: MergeMemo<E>;
  private readonly schedule: (task: () => void) => void;
  private tidyPending = false;
  private readonly none = new MatchResult<E>([], []);
  private inserts = 0;
  private removes = 0;
  private matches = 0;

  constructor(options: TrieOptions) {
    this.meter = options.meter ?? new WorkMeter();
    this.nodes = new NodeTable(this.meter);
    this.entries = new EntryTable<E>(this.meter, this.hashKey);
    this.merged = new MergeMemo(this.entries, this.meter);
    this.tokens = new TokenScan(HashKey.secret());
    this.schedule = options.schedule;
    this.walk = new TrieWalk(this.nodes, this.entries, this.tokens, this.meter);
    this.cache = options.cache ? new ResultCache(options.random, options.schedule) : null;
  }

  /**
   * Adds an entry that is not in the trie.
   * @returns false if its subject has an empty token or a token after `>`; then nothing changes
   */
  insert(entry: E): boolean {
    const subject = entry.subject;
    if (!isInsertable(subject, 0, subject.length)) return false;
    const literal = !hasWildcard(subject, 0, subject.length);
    const change = this.entries.add(this.openPath(subject), entry);
    this.count++;
    this.inserts++;
    this.generation++;
    this.meter.done += CHANGE_UNITS;
    if (change === Change.Live) return true;
    if (this.cache !== null && this.cache.count > 0) {
      if (literal) this.cache.staleLiteral(hashBytes(subject, 0, subject.length, this.hashKey), subject);
      else this.cache.notePattern(subject, false);
    }
    if (change === Change.Edge && literal && !this.watch.isEmpty) this.watch.changed(subject, entry.queue, true);
    return true;
  }

  /** @returns false if the entry is not in the trie */
  remove(entry: E): boolean {
    const change = this.detach(entry);
    if (change === Change.None) return false;
    this.generation++;
    if (change === Change.Live) return true;
    this.dropCached(entry.subject);
    this.tidyLater();
    this.notifyRemoved(entry, change);
    return true;
  }

  /** Removes many entries at once, for example when a connection closes. @returns how many of them were in the trie */
  removeBatch(entries: readonly E[]): number {
    if (entries.length === 0) return 0;
    const large = entries.length >= BATCH_LARGE;
    // Cleared before and after, because a listener that is called in between may match.
    if (large) this.cache?.clear();
    let removed = 0;
    for (const entry of entries) {
      const change = this.detach(entry);
      if (change === Change.None) continue;
      removed++;
      if (!large) this.dropCached(entry.subject);
      this.generation++;
      this.notifyRemoved(entry, change);
    }
    if (large) this.cache?.clear();
    this.generation++;
    this.tidyLater();
    return removed;
  }

  /** Sets the number of remote members that a queue entry represents. */
  setWeight(entry: E, weight: number): void {
    entry.weight = weight;
    this.generation++;
    const node = this.findPath(entry.subject);
    if (node !== NONE && entry.queue !== null) this.entries.noteWeight(node, entry.queue);
  }

  /**
   * The entries that match this subject. Tokens `*` and `>` of the subject are plain text. Nothing matches a subject with an empty token, not even
   * `>`. Subjects that match the same nodes may have the same result object.
   * @param source borrowed for the call
   */
  match(source: Uint8Array, start: number, end: number): MatchResult<E> {
    this.matches++;
    this.matchedStamp = 0;
    const cache = this.cache;
    if (cache === null) return this.matchNodes(source, start, end) ?? this.none;
    const hash = hashBytes(source, start, end, this.hashKey);
    const slot = cache.find(hash, source, start, end);
    if (slot !== -1) {
      cache.hits++;
      this.matchedStamp = cache.stampAt(slot);
      return cache.resultAt(slot) ?? this.refresh(cache, slot, source, start, end);
    }
    const result = this.matchNodes(source, start, end);
    if (result === null) return this.none;
    cache.add(hash, source, start, end, result);
    this.stampEpoch = cache.stampEpoch;
    return result;
  }

  /** As `match`, for a subject that is not expected again, as those of answers: it is not looked up in the cache, and not added to it. */
  matchOnce(source: Uint8Array, start: number, end: number): MatchResult<E> {
    this.matches++;
    this.matchedStamp = 0;
    return this.matchNodes(source, start, end) ?? this.none;
  }

  /** Whether any entry matches the subject. Cheaper than `match`, because it stops at the first match. */
  hasInterest(source: Uint8Array, start: number, end: number): boolean {
    const cached = this.cached(source, start, end);
    if (cached !== null) return !cached.isEmpty;
    return this.tokens.scan(source, start, end) && this.walk.interest(source);
  }

  /** Numbers of plain entries and queue members that match. If the subject is not cached, only the first matching node counts, as in the reference. */
  numInterest(source: Uint8Array, start: number, end: number): { plain: number; queue: number } {
    const cached = this.cached(source, start, end);
    if (cached !== null) {
      return { plain: cached.plain.length, queue: cached.groups.reduce((sum, group) => sum + group.length, 0) };
    }
    if (!this.tokens.scan(source, start, end) || !this.walk.interest(source)) return { plain: 0, queue: 0 };
    return { plain: this.walk.plain, queue: this.walk.members };
  }

  /** The entries whose subject collides with the pattern: at least one literal subject matches both. */
  reverseMatch(pattern: Uint8Array): E[] {
    const entries: E[] = [];
    if (!this.tokens.scan(pattern, 0, pattern.length)) return entries;
    const count = this.walk.overlap(pattern);
    for (let index = 0; index < count; index++) this.entries.collect(this.walk.found[index], entries);
    return entries;
  }

  all(): E[] {
    const entries: E[] = [];
    for (let node = 1; node < this.nodes.limit; node++) this.entries.collect(node, entries);
    return entries;
  }

  /**
   * Adds some of the entries to `entries`, so that all of them can be read in slices. Entries that are added, removed or moved between two calls
   * may be missed, or found twice.
   * @param node where to continue; 1 to begin
   * @param most entries, or nodes without entries, after which it stops
   * @returns where to continue; 0 at the end
   */
  collectSome(node: number, most: number, entries: E[]): number {
    const stop = entries.length + most;
    let at = node;
    for (let visited = 0; at < this.nodes.limit && visited < most && entries.length < stop; at++, visited++) {
      this.entries.collect(at, entries);
    }
    return at < this.nodes.limit ? at : 0;
  }

  /** Number of tokens of the longest subject; 0 for an empty trie. */
  levels(): number {
    return levelCount(this.nodes);
  }

  stats(): TrieStats {
    let totalFanout = 0;
    let maxFanout = 0;
    this.cache?.deleteRemoved();
    this.cache?.visitAll(
      (keys, start, end) => this.matchNodes(keys, start, end) ?? this.none,
      result => {
        const fanout = result.plain.length + result.groups.length;
        totalFanout += fanout;
        maxFanout = Math.max(maxFanout, fanout);
      },
    );
    const cacheSize = this.cache?.count ?? 0;
    const cacheHits = this.cache?.hits ?? 0;
    return {
      subs: this.count,
      cacheSize,
      inserts: this.inserts,
      removes: this.removes,
      matches: this.matches,
      cacheHits,
      hitRate: this.matches > 0 ? cacheHits / this.matches : 0,
      maxFanout,
      avgFanout: totalFanout > 0 ? totalFanout / cacheSize : 0,
    };
  }

  /**
   * Calls the listener with the current state, then with true when the first entry for exactly this subject (and queue) is added, and with
   * false when the last one is removed. Entries with wildcards do not count.
   * @returns a function that ends the watch
   * @throws Error with `WatchError.InvalidSubject` for a subject with wildcards, with `WatchError.AlreadyRegistered` if the same listener
   * already watches the same subject and queue
   */
  onInterest(subject: Uint8Array, queue: Uint8Array | null, listener: InterestListener): () => void {
    if (hasWildcard(subject, 0, subject.length)) throw new Error(WatchError.InvalidSubject);
    const node = this.findPath(subject);
    return this.watch.add(subject, queue, node !== NONE && this.entries.has(node, queue), listener);
  }

  /** Removed entries must not stay alive in remembered results for long. Once per turn, because that reads all of these results. */
  private tidyLater(): void {
    if (this.tidyPending || (this.merged.isEmpty && !this.cache?.mayKeepRemoved)) return;
    this.tidyPending = true;
    this.schedule(() => {
      this.tidyPending = false;
      this.cache?.deleteRemoved();
      this.merged.forgetStale();
    });
  }

  /** Matches without the cache. @returns null if a token is empty */
  private matchNodes(source: Uint8Array, start: number, end: number): MatchResult<E> | null {
    if (!this.tokens.scan(source, start, end)) return null;
    const count = this.walk.match(source);
    if (count === 0) return this.none;
    if (count === 1) return this.entries.result(this.walk.found[0]);
    return this.merged.result(this.walk.found, count);
  }

  private refresh(cache: ResultCache<E>, slot: number, source: Uint8Array, start: number, end: number): MatchResult<E> {
    const result = this.matchNodes(source, start, end) ?? this.none;
    cache.setResult(slot, result);
    return result;
  }

  /** The subject's result if it is cached, else null. */
  private cached(source: Uint8Array, start: number, end: number): MatchResult<E> | null {
    if (this.cache === null) return null;
    const slot = this.cache.find(hashBytes(source, start, end, this.hashKey), source, start, end);
    if (slot === -1) return null;
    this.cache.hits++;
    return this.cache.resultAt(slot) ?? this.refresh(this.cache, slot, source, start, end);
  }

  /** Removes the entry from its node, and nodes that are empty then. The caller updates cache and generation and calls listeners. */
  private detach(entry: E): Change {
    const node = this.findPath(entry.subject);
    if (node === NONE) return Change.None;
    const change = this.entries.remove(node, entry);
    if (change === Change.None) return change;
    this.count--;
    this.removes++;
    this.meter.done += CHANGE_UNITS;
    let empty = node;
    while (empty !== ROOT && this.entries.isEmpty(empty) && !this.nodes.hasChildren(empty)) {
      const parent = this.nodes.parent(empty);
      this.nodes.release(empty);
      empty = parent;
    }
    assert(this.count >= 0, "a trie has no negative number of entries", this.count);
    assert((this.nodes.count === 0) === (this.count === 0), "a trie has nodes while it has entries", this.nodes.count, this.count);
    if (this.nodes.count === 0) this.entries.clear();
    return change;
  }

  private dropCached(subject: Uint8Array): void {
    if (this.cache === null || this.cache.count === 0) return;
    if (hasWildcard(subject, 0, subject.length)) this.cache.notePattern(subject, true);
    else this.cache.deleteLiteral(hashBytes(subject, 0, subject.length, this.hashKey), subject);
  }

  private notifyRemoved(entry: E, change: Change): void {
    if (change !== Change.Edge || this.watch.isEmpty || hasWildcard(entry.subject, 0, entry.subject.length)) return;
    this.watch.changed(entry.subject, entry.queue, false);
  }

  /** The node of a pattern; created if it is missing. */
  private openPath(subject: Uint8Array): number {
    const { nodes, tokens } = this;
    tokens.scan(subject, 0, subject.length);
    let node = ROOT;
    for (let depth = 0; depth < tokens.count; depth++) {
      const parent = node;
      node = this.step(parent, depth, subject);
      if (node !== NONE) continue;
      if (tokens.is(depth, subject, STAR)) node = nodes.addStar(parent);
      else if (tokens.is(depth, subject, FULL)) node = nodes.addFull(parent);
      else node = nodes.addChild(parent, tokens.hash(depth, subject), subject, tokens.start(depth), tokens.end(depth));
      this.entries.addNode(node);
    }
    if (nodes.crowded) this.rekey();
    return node;
  }

  private rekey(): void {
    const key = HashKey.secret();
    this.nodes.rekey(key);
    this.tokens.rekey(key);
  }

  /** The node of a pattern, or NONE. */
  private findPath(subject: Uint8Array): number {
    if (!this.tokens.scan(subject, 0, subject.length)) return NONE;
    let node = ROOT;
    for (let depth = 0; depth < this.tokens.count; depth++) {
      node = this.step(node, depth, subject);
      if (node === NONE) return NONE;
    }
    return node;
  }

  private step(node: number, depth: number, subject: Uint8Array): number {
    const tokens = this.tokens;
    if (tokens.is(depth, subject, STAR)) return this.nodes.star(node);
    if (tokens.is(depth, subject, FULL)) return this.nodes.full(node);
    return this.nodes.child(node, tokens.hash(depth, subject), subject, tokens.start(depth), tokens.end(depth));
  }
}
