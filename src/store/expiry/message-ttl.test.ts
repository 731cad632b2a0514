import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Nanoseconds, nanosecondsOf } from "../../base/clock/nanoseconds.ts";
import { Random } from "../../base/random/random.ts";
import { endOfTtl, INVALID_TTL, NEVER_EXPIRES, parseMessageTtl } from "./message-ttl.ts";

test("a time to live is seconds, a Go duration of at least a second, or never", () => {
  const texts = ["", "0", "5", "1s", "1m30s", "1.5s", "never", "NEVER", "999ms", "-1", "x", "5 ", "1e3"];
  expect(texts.map(parseMessageTtl)).toEqual([
    0,
    INVALID_TTL,
    5,
    1,
    90,
    1,
    NEVER_EXPIRES,
    NEVER_EXPIRES,
    INVALID_TTL,
    INVALID_TTL,
    INVALID_TTL,
    INVALID_TTL,
    INVALID_TTL,
  ]);
});

test("fuzz: the end of a time to live is exact to the nanosecond", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const into = new Nanoseconds();
  for (let round = 0; round < 5_000; round++) {
    const high = random.below(2 ** 31);
    const low = random.nextUint32();
    const seconds = 1 + random.below(random.pick([10, 2 ** 21, 9_223_372_036]));
    const expected = nanosecondsOf(high, low) + BigInt(seconds) * 1_000_000_000n;
    const ends = endOfTtl(high, low, seconds, into);
    expect(ends ? into.toBigInt() : null, `SEED=${seed} round=${round}`).toBe(expected < 2n ** 63n ? expected : null);
  }
});

test("no time to live, one that never ends, and one of more than 292 years do not end", () => {
  const into = new Nanoseconds();
  expect([0, -1, -2, 9_223_372_037, 10 ** 15].map(seconds => endOfTtl(0, 0, seconds, into))).toEqual([false, false, false, false, false]);
});
