/**
 * The mappings of one account. They send messages of clients to other subjects than the published ones.
 *
 *   orders.*     → new.$1    weight 20        one in five messages on orders.eu goes to new.eu; the others keep their subject
 *                  west.$1   cluster west     in cluster west all of them go to west.eu
 *
 *   subject ──▶ cache ──▶ rule and the mapped subject of each destination ──▶ one of them, drawn by weight
 *               miss: literal sources by hash, then the patterns in the order of declaration
 *
 * The reference keeps its rules in an unordered map, so either of two matching rules may win. Here the literal one wins, then the first one.
 *
 * The cache has pairs of slots: the first holds the subject that was used last, the second the one before it. So it is bounded without a
 * sweep. A subject is only replaced if two other subjects of its pair are used between two of its uses.
 */
import { copyBytes, encode } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { HashKey, hashBytes, sameBytes } from "../subject/byte-hash.ts";
import { isSubset } from "../subject/subject-overlap.ts";
import { hasWildcardText } from "../subject/subject-text.ts";
import { listsOf, type MappingRule, remainderOf } from "./mapping-rule.ts";
import { SubjectTransform } from "./subject-transform.ts";

/** Subjects in the cache; a power of two. */
const CACHED_SUBJECTS_MAX = 1024;

/** Destination of the remaining percentage, in a rule that drops it. */
const LOST: Buffer = Buffer.alloc(0);

/** A source with the destinations that apply in this cluster. */
interface Rule {
  readonly source: Uint8Array;
  readonly transforms: readonly SubjectTransform[];
  /** Transform `i` is used if `shares[i]` is the first share above a random number of 0 to 99. If no share is above it, the message is dropped. */
  readonly shares: readonly number[];
  readonly varies: boolean;
}

interface CachedSubject {
  readonly hash: number;
  readonly subject: Uint8Array;
  /** Null: no rule matches it. */
  readonly rule: Rule | null;
  /** The mapped subject by destination; null: not computed yet, or different each time. */
  readonly results: (Buffer | null)[];
}

export class SubjectMappings {
  /** By hash of the source. */
  private readonly literals = new Map<number, Rule[]>();
  private readonly patterns: Rule[] = [];
  private cache: (CachedSubject | null)[] = [];
  /** Buffer for the results of transforms, whose size is known only afterwards. */
  private scratch = new Uint8Array(256);
  /** Secret, so that clients cannot choose subjects that replace each other in the cache. */
  private readonly hashKey = HashKey.secret();
  private readonly random: Random;
  readonly isEmpty: boolean;
  /** The rules from which it was built; of two rules with the same source the later one. */
  readonly rules: readonly MappingRule[];

  /**
   * @param rules checked with `checkMapping`. Of two rules with the same source the later one counts, at the position of the earlier one
   * @param cluster this server's cluster; empty: none
   * @throws TransformError  a rule is invalid and was not checked
   */
  constructor(rules: readonly MappingRule[], cluster: string, random: Random) {
    this.random = random;
    const bySource = new Map(rules.map(rule => [rule.source, rule]));
    for (const rule of bySource.values()) this.add(compileRule(rule, cluster), !hasWildcardText(rule.source));
    this.isEmpty = bySource.size === 0;
    this.rules = [...bySource.values()];
  }

  /**
   * Maps a subject.
   * @returns null: no rule matches; empty: the message is dropped; else the mapped subject, which may be equal to the original one. The buffer
   *   never changes, and callers must not change it. A cached subject costs no allocation unless its destination uses `random`.
   */
  select(source: Uint8Array, start: number, end: number): Buffer | null {
    if (this.isEmpty) return null;
    const cached = this.cachedSubject(source, start, end);
    const { rule } = cached;
    if (rule === null) return null;
    const index = this.draw(rule.shares);
    if (index === -1) return LOST;
    return cached.results[index] ?? this.transform(cached, rule.transforms[index], index);
  }

  /** Whether two messages on the subject may be mapped differently, so that `select` must be called for each of them. */
  varies(source: Uint8Array, start: number, end: number): boolean {
    return !this.isEmpty && (this.cachedSubject(source, start, end).rule?.varies ?? false);
  }

  private add(rule: Rule, isLiteral: boolean): void {
    if (!isLiteral) {
      this.patterns.push(rule);
      return;
    }
    const hash = hashBytes(rule.source, 0, rule.source.length, this.hashKey);
    const others = this.literals.get(hash);
    if (others === undefined) this.literals.set(hash, [rule]);
    else others.push(rule);
  }

  /** Draws the index of a destination. @returns -1: the message is dropped */
  private draw(shares: readonly number[]): number {
    if (shares.length === 1 && shares[0] === 100) return 0;
    const drawn = this.random.below(100);
    for (let index = 0; index < shares.length; index++) if (drawn < shares[index]) return index;
    return -1;
  }

  private transform(cached: CachedSubject, transform: SubjectTransform, index: number): Buffer {
    const { subject } = cached;
    const sizeMax = transform.resultBytesMax(subject.length);
    if (sizeMax > this.scratch.length) this.scratch = new Uint8Array(2 * sizeMax);
    const { scratch } = this;
    const size = transform.transform(subject, 0, subject.length, scratch, 0, this.random);
    const result = Buffer.allocUnsafe(size);
    for (let at = 0; at < size; at++) result[at] = scratch[at];
    if (!transform.isRandom) cached.results[index] = result;
    return result;
  }

  private cachedSubject(source: Uint8Array, start: number, end: number): CachedSubject {
    if (this.cache.length === 0) this.cache = new Array(CACHED_SUBJECTS_MAX).fill(null);
    const { cache } = this;
    const hash = hashBytes(source, start, end, this.hashKey);
    const slot = hash & (CACHED_SUBJECTS_MAX - 2);
    const first = cache[slot];
    if (first !== null && isOf(first, hash, source, start, end)) return first;
    const second = cache[slot + 1];
    const found = second !== null && isOf(second, hash, source, start, end) ? second : this.newSubject(hash, source, start, end);
    cache[slot + 1] = first;
    cache[slot] = found;
    return found;
  }

  private newSubject(hash: number, source: Uint8Array, start: number, end: number): CachedSubject {
    const subject = copyBytes(source, start, end);
    const rule = this.find(hash, subject);
    return { hash, subject, rule, results: rule === null ? [] : new Array(rule.transforms.length).fill(null) };
  }

  private find(hash: number, subject: Uint8Array): Rule | null {
    const literal = this.literals.get(hash)?.find(({ source }) => isSame(source, subject, 0, subject.length));
    return literal ?? this.patterns.find(({ source }) => isSubset(subject, 0, subject.length, source, 0, source.length)) ?? null;
  }
}

function compileRule(rule: MappingRule, cluster: string): Rule {
  const lists = listsOf(rule);
  const destinations = (cluster === "" ? undefined : lists.get(cluster)) ?? lists.get("")!;
  const remainder = remainderOf(rule, destinations);
  const all = remainder === null ? destinations : [...destinations, remainder];
  const used = all.filter(({ weight }) => weight > 0);
  const shares = used.map((_, index) => used.slice(0, index + 1).reduce((sum, { weight }) => sum + weight, 0));
  const transforms = used.map(({ subject }) => SubjectTransform.compile(rule.source, subject));
  const varies = transforms.length > 1 || (transforms.length === 1 && shares[0] < 100) || transforms.some(({ isRandom }) => isRandom);
  return { source: encode(rule.source), transforms, shares, varies };
}

function isOf(cached: CachedSubject, hash: number, source: Uint8Array, start: number, end: number): boolean {
  return cached.hash === hash && isSame(cached.subject, source, start, end);
}

function isSame(subject: Uint8Array, source: Uint8Array, start: number, end: number): boolean {
  return subject.length === end - start && sameBytes(subject, 0, source, start, subject.length);
}
