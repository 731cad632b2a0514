const REPEAT_MS = 1_000;
const REPEATS_MAX = 1_024;

/** Passes the same text at most once per interval. It remembers a bounded number of texts, so the oldest may repeat early. */
export class RepeatFilter {
  private readonly intervalMs: number;
  private readonly textsMax: number;
  /** When each text last passed, ms; oldest first. */
  private readonly passedAt = new Map<string, number>();

  constructor(intervalMs = REPEAT_MS, textsMax = REPEATS_MAX) {
    this.intervalMs = intervalMs;
    this.textsMax = textsMax;
  }

  get size(): number {
    return this.passedAt.size;
  }

  /** @param now monotonic clock, ms */
  passes(text: string, now: number): boolean {
    const before = this.passedAt.get(text);
    if (before !== undefined && now - before < this.intervalMs) return false;
    this.passedAt.delete(text);
    this.dropOld(now);
    this.passedAt.set(text, now);
    return true;
  }

  private dropOld(now: number): void {
    for (const [text, at] of this.passedAt) {
      if (now - at < this.intervalMs && this.passedAt.size < this.textsMax) return;
      this.passedAt.delete(text);
    }
  }
}
