/** How many handshakes a second are begun (`connection_rate_limit`): in windows of a second, which begin with the first one. */
const WINDOW_MS = 1_000;

export class HandshakeRate {
  private count = 0;
  private windowEnd = Number.NEGATIVE_INFINITY;
  private refused = 0;

  /** @param limit in a window */
  constructor(readonly limit: number) {}

  /** @param now monotonic, ms */
  allows(now: number): boolean {
    if (now > this.windowEnd) {
      this.count = 0;
      this.windowEnd = now + WINDOW_MS;
    }
    if (this.count >= this.limit) {
      this.refused++;
      return false;
    }
    this.count++;
    return true;
  }

  /** How many were refused since it was last asked. */
  takeRefused(): number {
    const refused = this.refused;
    this.refused = 0;
    return refused;
  }
}
