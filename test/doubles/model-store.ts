/**
 * The model of a message store: an array of messages with strings, searched from end to end. Every answer is computed from the messages and the two
 * sequences, so nothing can go stale. It says what `MessageStore` (src/store/contract/message-store.ts) must do; the contract suite compares.
 */
import type { StoreLimits } from "../../src/store/contract/store-limits.ts";

export interface ModelMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly header: string;
  readonly payload: string;
  readonly time: bigint;
}

interface Kept extends ModelMessage {
  readonly ttlSeconds: number;
}

export interface ModelState {
  messages: number;
  bytes: number;
  firstSequence: number;
  firstTime: bigint;
  lastSequence: number;
  lastTime: bigint;
  subjects: number;
  deleted: number;
}

export type ModelRefusal = "max messages" | "max bytes" | "max messages per subject";

const SECOND = 1_000_000_000n;

export class ModelStore {
  kept: Kept[] = [];
  private lastSequence = 0;
  private lastTime = 0n;
  /** The first sequence while there are no messages. */
  private emptyFirst = 0;
  /** Sequences removed since the log was read last, and the sequences below which everything was removed at once. */
  removed: string[] = [];
  removedBelow: number[] = [];
  /** Messages that limits have removed. */
  private limited: Kept[] = [];

  /** @param sizeOf what a message counts */
  constructor(
    public limits: StoreLimits,
    private readonly sizeOf: (subject: string, header: string, payload: string) => number,
  ) {}

  get state(): ModelState {
    const { kept } = this;
    const firstSequence = kept.length > 0 ? kept[0].sequence : this.emptyFirst;
    return {
      messages: kept.length,
      bytes: kept.reduce((sum, message) => sum + this.size(message), 0),
      firstSequence,
      firstTime: kept.length > 0 ? kept[0].time : 0n,
      lastSequence: this.lastSequence,
      lastTime: this.lastTime,
      subjects: new Set(kept.map(message => message.subject)).size,
      deleted: firstSequence === 0 ? 0 : this.lastSequence - firstSequence + 1 - kept.length,
    };
  }

  check(subject: string, header: string, payload: string): ModelRefusal | null {
    const { limits } = this;
    if (limits.discard !== "new") return null;
    const size = this.sizeOf(subject, header, payload);
    const same = this.kept.filter(message => message.subject === subject);
    const replaces = limits.messagesPerSubjectMax > 0 && same.length >= limits.messagesPerSubjectMax;
    if (replaces && limits.discardNewPerSubject && !/\r\nNats-Rollup: *[^\r ]/.test(header)) return "max messages per subject";
    if (limits.messagesMax > 0 && this.kept.length >= limits.messagesMax && !replaces) return "max messages";
    if (limits.bytesMax <= 0 || this.state.bytes + size <= limits.bytesMax) return null;
    return replaces && this.size(same[0]) >= size ? null : "max bytes";
  }

  /** @param sequence null: the next one */
  append(subject: string, header: string, payload: string, time: bigint, ttlSeconds: number, sequence: number | null = null): number {
    const { limits } = this;
    this.lastSequence = sequence ?? this.lastSequence + 1;
    this.lastTime = time;
    this.kept.push({ sequence: this.lastSequence, subject, header, payload, time, ttlSeconds });
    if (limits.messagesPerSubjectMax > 0) this.limitSubject(subject);
    this.applyLimits();
    return this.lastSequence;
  }

  skip(time: bigint): number {
    this.pass(1);
    this.lastTime = time;
    return this.lastSequence;
  }

  skipRange(count: number, time: bigint): void {
    this.pass(count);
    if (this.lastTime === 0n) this.lastTime = time;
  }

  remove(sequence: number): boolean {
    return this.take(message => message.sequence === sequence, "request") === 1;
  }

  purge(filter: string | null, below: number, keep: number): number {
    if (below === 1) return 0;
    if ((filter === null || filter === ">") && keep === 0) return below === 0 ? this.purgeAll() : this.compact(below);
    const matching = this.kept.filter(message => matches(filter ?? ">", message.subject));
    const doomed = below === 0 ? matching : matching.filter(message => message.sequence < below);
    const gone = new Set(doomed.slice(0, Math.max(0, doomed.length - keep)));
    return this.take(message => gone.has(message), "request");
  }

  compact(below: number): number {
    if (below <= 0 || this.state.firstSequence > below) return 0;
    const before = this.kept.length;
    this.kept = this.kept.filter(message => message.sequence >= below);
    if (below > this.lastSequence) {
      this.limited = [];
      this.lastSequence = below - 1;
    }
    if (this.kept.length === 0) this.emptyFirst = this.lastSequence + 1;
    const count = before - this.kept.length;
    if (count > 0) this.removedBelow.push(below);
    return count;
  }

  truncate(above: number): void {
    if (above >= this.lastSequence) return;
    this.kept = this.kept.filter(message => message.sequence <= above);
    this.limited = this.limited.filter(message => message.sequence <= above);
    this.lastSequence = above;
    if (above === 0) this.lastTime = 0n;
    else this.lastTime = this.load(above)?.time ?? this.lastTime;
    if (this.kept.length === 0) this.emptyFirst = above === 0 ? 0 : above + 1;
  }

  /** @param onLast may append */
  expire(now: bigint, onLast: (message: ModelMessage) => void): void {
    const { ageMaxNs, allowTtl } = this.limits;
    if (ageMaxNs > 0n) {
      for (const message of [...this.kept]) {
        if (message.ttlSeconds === -1) continue;
        if (message.time > now - ageMaxNs) break;
        this.end(message, "age", onLast);
      }
    }
    if (!allowTtl) return;
    for (const message of [...this.kept]) if (message.ttlSeconds > 0 && endOf(message) <= now) this.end(message, "ttl", onLast);
  }

  /**
   * The store was opened again, and has these messages. What limits had removed leaves no trace on a disk, so it may be back, but nothing else.
   * @returns false: other messages are back, or some are missing
   */
  reopen(sequences: readonly number[], firstSequence: number): boolean {
    const all = [...this.limited, ...this.kept].sort((a, b) => a.sequence - b.sequence);
    const before = this.kept.length;
    const kept = new Set(this.kept);
    this.kept = all.filter(message => kept.has(message) || sequences.includes(message.sequence));
    this.limited = this.limited.filter(message => !this.kept.includes(message));
    if (this.lastSequence === 0) this.emptyFirst = firstSequence;
    return (
      this.kept.length >= before &&
      Bun.deepEquals(
        this.kept.map(({ sequence }) => sequence),
        sequences,
      )
    );
  }

  get nextExpiry(): bigint | null {
    const times = this.limits.allowTtl ? this.kept.filter(message => message.ttlSeconds > 0).map(endOf) : [];
    const aging = this.kept.find(message => message.ttlSeconds !== -1);
    if (this.limits.ageMaxNs > 0n && aging !== undefined) times.push(aging.time + this.limits.ageMaxNs);
    return times.sort((a, b) => (a < b ? -1 : 1))[0] ?? null;
  }

  reconfigure(limits: StoreLimits): void {
    this.limits = limits;
    this.applyLimits();
    if (limits.messagesPerSubjectMax > 0) for (const { subject } of [...this.kept]) this.limitSubject(subject);
  }

  load(sequence: number): ModelMessage | null {
    const found = this.kept.find(message => message.sequence === sequence);
    return found === undefined ? null : visible(found);
  }

  lastMatching(filter: string, atMost: number): number {
    return this.kept.findLast(message => message.sequence <= atMost && matches(filter, message.subject))?.sequence ?? 0;
  }

  sequenceAt(time: bigint): number {
    return this.kept.find(message => message.time >= time)?.sequence ?? this.lastSequence + 1;
  }

  /** The messages that a scan finds. */
  scan(filters: readonly string[] | null, from: number, direction: 1 | -1): ModelMessage[] {
    const found = this.kept.filter(message => matchesAny(filters, message.subject));
    if (direction === 1) return found.filter(message => message.sequence >= from).map(visible);
    return found
      .filter(message => message.sequence <= from)
      .map(visible)
      .reverse();
  }

  totalOf(subject: string): number {
    return this.kept.filter(message => message.subject === subject).length;
  }

  subjectTotals(filter: string): { subject: string; messages: number }[] {
    const subjects = new Set(this.kept.map(message => message.subject).filter(subject => matches(filter, subject)));
    return [...subjects].sort().map(subject => ({ subject, messages: this.totalOf(subject) }));
  }

  countFrom(sequence: number, filters: readonly string[] | null, onlyLast: boolean): number {
    const found = this.kept.filter(message => message.sequence >= sequence && matchesAny(filters, message.subject));
    return onlyLast ? new Set(found.map(message => message.subject)).size : found.length;
  }

  lastPerSubject(filters: readonly string[], upTo: number, most: number): number[] | null {
    const last = new Map<string, number>();
    for (const { sequence, subject } of this.kept) {
      if ((upTo === 0 || sequence <= upTo) && matchesAny(filters, subject)) last.set(subject, sequence);
    }
    return most > 0 && last.size > most ? null : [...last.values()].sort((a, b) => a - b);
  }

  /** Runs of sequences without a message: first, count, first, count … */
  deleted(): number[] {
    const runs: number[] = [];
    let next = Math.max(1, this.state.firstSequence);
    for (const sequence of [...this.kept.map(message => message.sequence), this.lastSequence + 1]) {
      if (sequence > next) runs.push(next, sequence - next);
      next = sequence + 1;
    }
    return runs;
  }

  private size(message: ModelMessage): number {
    return this.sizeOf(message.subject, message.header, message.payload);
  }

  private pass(count: number): void {
    this.lastSequence += count;
    if (this.kept.length === 0) this.emptyFirst = this.lastSequence + 1;
  }

  private purgeAll(): number {
    const count = this.kept.length;
    this.kept = [];
    this.limited = [];
    this.emptyFirst = this.lastSequence + 1;
    if (count > 0) this.removedBelow.push(this.emptyFirst);
    return count;
  }

  private limitSubject(subject: string): void {
    const most = this.limits.messagesPerSubjectMax;
    while (this.totalOf(subject) > most) this.removeFirst(message => message.subject === subject);
  }

  private applyLimits(): void {
    const { bytesMax, discard, messagesMax } = this.limits;
    if (discard !== "old") return;
    while (messagesMax > 0 && this.kept.length > messagesMax) this.removeFirst(() => true);
    while (bytesMax > 0 && this.state.bytes > bytesMax) this.removeFirst(() => true);
  }

  private removeFirst(isMeant: (message: Kept) => boolean): void {
    const first = this.kept.find(isMeant);
    this.take(message => message === first, "limit");
  }

  private end(message: Kept, reason: string, onLast: (message: ModelMessage) => void): void {
    const isMarker = /\r\nNats-Marker-Reason: *[^\r ]/.test(message.header) || /\r\nKV-Operation: *PURGE\r/.test(message.header);
    if (!this.kept.includes(message)) return;
    if (this.limits.markerTtlSeconds > 0 && this.totalOf(message.subject) === 1 && !isMarker) onLast(visible(message));
    else this.take(other => other === message, reason);
  }

  private take(isMeant: (message: Kept) => boolean, reason: string): number {
    const gone = this.kept.filter(isMeant);
    this.kept = this.kept.filter(message => !isMeant(message));
    if (reason !== "request") this.limited.push(...gone);
    for (const { sequence, subject } of gone) this.removed.push(`${sequence} ${subject} ${reason}`);
    if (gone.length > 0 && this.kept.length === 0) this.emptyFirst = this.lastSequence + 1;
    return gone.length;
  }
}

function endOf(message: Kept): bigint {
  return message.time + BigInt(message.ttlSeconds) * SECOND;
}

function visible({ header, payload, sequence, subject, time }: Kept): ModelMessage {
  return { sequence, subject, header, payload, time };
}

function matchesAny(filters: readonly string[] | null, subject: string): boolean {
  return filters === null || filters.some(filter => matches(filter, subject));
}

function matches(filter: string, subject: string): boolean {
  const tokens = subject.split(".");
  const wanted = filter.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === ">" && index === wanted.length - 1) return tokens.length > index;
    if (index >= tokens.length || (token !== "*" && token !== tokens[index])) return false;
  }
  return tokens.length === wanted.length;
}
