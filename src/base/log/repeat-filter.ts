/** Lets the same text pass at most once per interval. Remembers a bounded number of texts; the oldest may then repeat early. */
export class RepeatFilter {
  private readonly intervalMs: number;
  private readonly textsMax: number;
  /** When each text passed last, ms; the oldest first. */
  private readonly passedAt = new Map<string, number>();

  constructor(intervalMs: number, textsMax: number) {
    this.intervalMs = intervalMs;
    this.textsMax = textsMax;
  }

  get size(): number {
    return this.passedAt.size;
  }

  /** @param now of a clock that does not go back, ms */
  passes(text: string, now: number): boolean {
    const before = this.passedAt.get(text);
    if (before !== undefined && now - before < this.intervalMs) return false;
    this.passedAt.delete(text);
    this.forget(now);
    this.passedAt.set(text, now);
    return true;
  }

  private forget(now: number): void {
    for (const [text, at] of this.passedAt) {
      if (now - at < this.intervalMs && this.passedAt.size < this.textsMax) return;
      this.passedAt.delete(text);
    }
  }
}
