import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Nanoseconds } from "../clock/nanoseconds.ts";
import { Random } from "../random/random.ts";
import { nanosecondsSince1970, TIME_BYTES_MAX, TimeWriter, timestampAt, timeText, writeTime } from "./rfc3339.ts";
import { timestampText } from "./time.ts";

const halves = new Nanoseconds();

test("times are written as by Go", () => {
  const texts: [bigint, string][] = [
    [0n, "1970-01-01T00:00:00Z"],
    [1n, "1970-01-01T00:00:00.000000001Z"],
    [-1n, "1969-12-31T23:59:59.999999999Z"],
    [1_700_000_000_000_000_120n, "2023-11-14T22:13:20.00000012Z"],
    [1_709_210_096_500_000_000n, "2024-02-29T12:34:56.5Z"],
    [2n ** 63n - 1n, "2262-04-11T23:47:16.854775807Z"],
    [-(2n ** 63n), "1677-09-21T00:12:43.145224192Z"],
  ];
  for (const [nanoseconds, text] of texts) {
    const { high, low } = halves.setBigInt(nanoseconds);
    expect(timeText(high, low)).toBe(text);
    expect(text.length).toBeLessThanOrEqual(TIME_BYTES_MAX);
  }
});

test("fuzz: every time gives the text of the calendar, and comes back exactly", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const target = new Uint8Array(TIME_BYTES_MAX + 2);
  for (let round = 0; round < 20_000; round++) {
    const high = random.nextUint32() | 0;
    const low = random.chance(0.2) ? 0 : random.nextUint32();
    const value = halves.set(high, low).toBigInt();
    const rounded = random.chance(0.3) ? value - (value % 1_000_000n) : value;
    halves.setBigInt(rounded);
    const timestamp = timestampAt(halves.high, halves.low);
    const message = `SEED=${seed} round=${round} ${rounded}`;
    expect(nanosecondsSince1970(timestamp), message).toBe(rounded);
    const end = writeTime(target, 1, halves.high, halves.low);
    expect(Buffer.from(target.subarray(1, end)).toString(), message).toBe(timestampText(timestamp));
  }
});

test("fuzz: a writer that keeps the text of a second writes the same", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const writer = new TimeWriter();
  const [kept, plain] = [new Uint8Array(TIME_BYTES_MAX + 1), new Uint8Array(TIME_BYTES_MAX + 1)];
  let value = 0n;
  for (let round = 0; round < 5_000; round++) {
    if (random.chance(0.1)) value = BigInt.asIntN(63, BigInt(random.nextUint32()) * BigInt(random.nextUint32()));
    else value += BigInt(random.nextUint32() >>> 2) * (random.chance(0.2) ? -1n : 1n);
    const { high, low } = halves.setBigInt(value);
    const end = writer.write(kept, 1, high, low);
    expect(end, `SEED=${seed} round=${round} ${value}`).toBe(writeTime(plain, 1, high, low));
    expect(kept.subarray(0, end), `SEED=${seed} round=${round} ${value}`).toEqual(plain.subarray(0, end));
  }
});
