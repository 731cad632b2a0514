/** Limits handshakes per second (`connection_rate_limit`), in windows of one second; a window begins with its first handshake. */
const WINDOW_MS = 1_000;

export class HandshakeRate {
  private count = 0;
  private windowEnd = Number.NEGATIVE_INFINITY;
  private refused = 0;

  /** @param limit handshakes per window */
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

  /** Handshakes refused since the last call. */
  takeRefused(): number {
    const refused = this.refused;
    this.refused = 0;
    return refused;
  }
}
