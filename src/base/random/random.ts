/**
 * Reproducible random numbers: the same seed gives the same numbers on every machine.
 *
 * The generator is sfc32 (Chris Doty-Humphrey): four 32-bit words, only additions, shifts and rotations, so it stays in integer
 * registers. Not `Math.random`, which cannot be seeded, so a failing fuzz round or a simulated cluster could not be replayed. Not for
 * secrets: a few numbers reveal all others; keys and nonces come from `node:crypto`.
 */

/** Numbers discarded after seeding, until the state no longer resembles the seed. */
const WARM_UP_ROUNDS = 15;

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** @param seed any number; its fraction is dropped, bits above 32 are mixed in */
  constructor(seed: number) {
    this.a = seed | 0;
    this.b = Math.trunc(seed / 2 ** 32) | 0;
    this.c = 0x2545f491;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.nextInt32();
  }

  /** All 32 bits, as a signed integer: the cheapest form. */
  nextInt32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum;
  }

  /** 0 to 2^32 - 1. */
  nextUint32(): number {
    return this.nextInt32() >>> 0;
  }

  /** 0 (inclusive) to 1 (exclusive), in steps of 2^-32. */
  nextFloat(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** 0 to `limit` - 1, each equally likely up to a bias of `limit` / 2^32. `limit`: 1 to 2^32. */
  below(limit: number): number {
    return Math.floor((this.nextUint32() * limit) / 2 ** 32);
  }

  /** `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True in `ratio` of the calls: 0 never, 1 always. */
  chance(ratio: number): boolean {
    return this.nextFloat() < ratio;
  }

  /** One of the items; the list must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Shuffles the items in place. */
  shuffle<T>(items: T[]): T[] {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const held = items[last];
      items[last] = items[other];
      items[other] = held;
    }
    return items;
  }
}
