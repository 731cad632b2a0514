/**
 * Cache of verified tokens by their text: a token is verified once. The whole text is the key, so only exactly
 * the verified token is found. Expiry and trust are checked at each use.
 *
 * Bounded by number and by bytes of text; the least recently used token is dropped first.
 */
export class VerifiedTokens<T> {
  private readonly byText = new Map<string, T>();
  private bytes = 0;

  /** @param tokenBytesMax longer tokens are not cached */
  constructor(
    private readonly tokensMax: number,
    private readonly bytesMax: number,
    private readonly tokenBytesMax: number,
  ) {}

  get size(): number {
    return this.byText.size;
  }

  get(token: string): T | undefined {
    const known = this.byText.get(token);
    if (known === undefined) return undefined;
    this.byText.delete(token);
    this.byText.set(token, known);
    return known;
  }

  /** Does nothing for a token that is too long or already cached. */
  add(token: string, value: T): void {
    if (token.length > this.tokenBytesMax || this.byText.has(token)) return;
    this.byText.set(token, value);
    this.bytes += token.length;
    for (const oldest of this.byText.keys()) {
      if (this.byText.size <= this.tokensMax && this.bytes <= this.bytesMax) return;
      this.byText.delete(oldest);
      this.bytes -= oldest.length;
    }
  }
}
