import { expect, test } from "bun:test";
import { keyOfBlock, type ModelRecord, modelRecordBytes, randomRecord, TOMBSTONE_BIT } from "../../../test/doubles/model-record.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "./hash-key.ts";
import type { LengthsChecksum } from "./lengths-checksum.ts";
import { RecordFault, RecordKind } from "./record-format.ts";
import { RecordHasher } from "./record-hasher.ts";
import { RecordScan } from "./record-scan.ts";

const KEY = HashKey.ofBlock("S", 7);
const RAW_KEY = keyOfBlock("S", 7);
const hasher = new RecordHasher(0);
const empty = new Uint8Array(0);

const message = (sequence: number | bigint, payload = `payload ${sequence}`): ModelRecord => ({
  sequence: BigInt(sequence),
  time: 1n,
  subject: Buffer.from("s"),
  header: null,
  payload: Buffer.from(payload),
});
const blockOf = (...records: ModelRecord[]): Buffer => Buffer.concat(records.map(record => modelRecordBytes(record, RAW_KEY)));

/** A scan that notes what it saw: kind, sequence, offset. */
function scanOf(bytes: Uint8Array, end = bytes.length, start = 0) {
  const seen: string[] = [];
  const scan = new RecordScan(hasher, KEY, bytes, start, end, {
    onRecord: ({ kind, sequence, start: at }) => seen.push(`${RecordKind[kind]} ${sequence} at ${at}`),
  });
  return { scan, seen };
}

const run = (scan: RecordScan, share = 1_000) => {
  while (scan.step(share));
  return `${RecordFault[scan.fault]} at ${scan.position}`;
};

test("every record is reported with its kind, sequence and offset", () => {
  const bytes = blockOf(
    message(3),
    { ...message(0), sequence: 9n | (1n << 63n), subject: empty, payload: empty },
    { ...message(0), sequence: 2n | TOMBSTONE_BIT, subject: empty, payload: empty },
    { ...message(0), sequence: 10n | (1n << 63n), subject: empty, payload: Buffer.from("????") },
    message(11),
  );
  const { scan, seen } = scanOf(bytes);
  expect(run(scan)).toBe(`None at ${bytes.length}`);
  expect(seen).toEqual(["Message 3 at 0", "Gap 9 at 40", "Tombstone 2 at 70", "Erased 10 at 100", "Message 11 at 134"]);
  expect([scan.lastSequence, scan.ignored]).toEqual([11, 0]);
});

test("a record whose sequence does not rise is not reported, nor is sequence 0; a tombstone's need not rise", () => {
  const tombstone = { ...message(0), sequence: 1n | TOMBSTONE_BIT, subject: empty, payload: empty };
  const { scan, seen } = scanOf(blockOf(message(5), message(4), message(5), message(0), tombstone, message(6)));
  expect(run(scan)).toStartWith("None");
  expect(seen.map(line => line.split(" at")[0])).toEqual(["Message 5", "Tombstone 1", "Message 6"]);
  expect(scan.ignored).toBe(3);
});

test("zeros behind the records are the end of a block that was preallocated", () => {
  const records = blockOf(message(1), message(2));
  for (const size of [1, 3, 4, 21, 40, 200_000]) {
    const { scan } = scanOf(Buffer.concat([records, Buffer.alloc(size)]));
    expect(run(scan), `${size}`).toBe(`${size < 4 ? "Cut" : "Zero"} at ${records.length}`);
    expect(scan.endsInZeros, `${size}`).toBe(true);
  }
  const { scan } = scanOf(Buffer.concat([records, Buffer.alloc(100_000), Buffer.from([1])]));
  expect(run(scan)).toBe(`Zero at ${records.length}`);
  expect(scan.endsInZeros).toBe(false);
});

test("a sequence above 2^53 - 1 stops the walk; the checksum of length words is that of the records before", () => {
  const before = blockOf(message(1), message(Number.MAX_SAFE_INTEGER));
  const { scan, seen } = scanOf(Buffer.concat([before, blockOf(message(2n ** 53n), message(2n ** 53n + 1n))]));
  expect(run(scan)).toBe(`BadSequence at ${before.length}`);
  expect(seen).toHaveLength(2);
  const alone = scanOf(before);
  run(alone.scan);
  expect(scan.lengths).toEqual(alone.scan.lengths);
});

test("a walk in shares of any size sees the same as in one, also records larger than a share", () => {
  const bytes = blockOf(...Array.from({ length: 40 }, (_, index) => message(index + 1, "x".repeat(index * 37))));
  const whole = scanOf(bytes);
  expect(run(whole.scan, bytes.length)).toBe(`None at ${bytes.length}`);
  for (const share of [1, 50, 999, 5_000]) {
    const parts = scanOf(bytes);
    expect(run(parts.scan, share)).toBe(`None at ${bytes.length}`);
    expect(parts.seen).toEqual(whole.seen);
    expect(parts.scan.lengths).toEqual(whole.scan.lengths);
  }
  const cut = scanOf(bytes, bytes.length - 1);
  expect(run(cut.scan, 100)).toBe(`Cut at ${bytes.length - 31 - 39 * 37}`);
});

test("the walk goes on behind a record with a damaged payload, and behind one with a damaged length", () => {
  const records = [1, 2, 3, 4].map(sequence => message(sequence));
  const bytes = blockOf(...records);
  const size = bytes.length / 4;
  for (const offset of [size + 30, size, size + 1, size + 21, size + 4]) {
    const copy = Buffer.from(bytes);
    copy[offset] ^= 0x11;
    const { scan, seen } = scanOf(copy);
    run(scan);
    expect(scan.position, `${offset}`).toBe(size);
    expect(scan.skipDamage(4), `${offset}`).toBe(true);
    expect(run(scan), `${offset}`).toBe(`None at ${bytes.length}`);
    expect(seen.map(line => line.split(" ")[1])).toEqual(["1", "3", "4"]);
  }
});

test("behind damage of several records and over a hole of zeros the walk finds the next run of good ones", () => {
  const bytes = blockOf(...Array.from({ length: 20 }, (_, index) => message(index + 1, "y".repeat(200))));
  const size = bytes.length / 20;
  bytes.fill(0, 3 * size + 7, 8 * size + 100);
  const { scan, seen } = scanOf(bytes);
  expect(run(scan)).toBe(`BadChecksum at ${3 * size}`);
  expect(scan.skipDamage(20)).toBe(true);
  expect(scan.position).toBe(9 * size);
  expect(run(scan)).toBe(`None at ${bytes.length}`);
  expect(seen).toHaveLength(3 + 11);
});

test("a payload that looks like a record is not taken for one behind damage", () => {
  const forged = blockOf(message(3, "forged"), message(4, "forged too"));
  const bytes = blockOf(message(1), { ...message(2), payload: Buffer.concat([Buffer.alloc(9), forged]) }, message(3), message(4));
  const size = modelRecordBytes(message(1), null).length;
  bytes[size + 1] = 0xff; // the length of record 2
  const { scan, seen } = scanOf(bytes);
  expect(run(scan)).toBe(`Cut at ${size}`);
  expect(scan.skipDamage(4)).toBe(true);
  expect(run(scan)).toBe(`None at ${bytes.length}`);
  expect(seen.map(line => line.split(" at ")[1])).toEqual(["0", `${bytes.length - 2 * size}`, `${bytes.length - size}`]);
});

test("with no good record behind the damage nothing changes", () => {
  const bytes = blockOf(message(1), message(2), message(3));
  const size = bytes.length / 3;
  bytes.fill(0xee, size + 8);
  const { scan } = scanOf(bytes);
  run(scan);
  const { position, fault } = scan;
  expect(scan.skipDamage(3)).toBe(false);
  expect([scan.position, scan.fault]).toEqual([position, fault]);
  // A record that is whole, but newer than any can be.
  const newer = blockOf(message(1), message(2), message(9));
  newer[size + 30] ^= 1;
  const other = scanOf(newer);
  run(other.scan);
  expect(other.scan.skipDamage(8)).toBe(false);
  expect(other.scan.skipDamage(9)).toBe(true);
});

/** What one scan says: all that recovery decides by. */
function findings(bytes: Uint8Array): { seen: string[]; stop: string; lengths: LengthsChecksum } {
  const { scan, seen } = scanOf(bytes);
  const stop = run(scan);
  return { seen, stop, lengths: scan.lengths };
}

test("every single-bit flip of a small block is found by a checksum, or by that of the length words", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const bytes = blockOf(...Array.from({ length: 5 }, (_, index) => randomRecord(random, BigInt(index + 1), 40)));
  const good = findings(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    const { stop, lengths } = findings(bytes);
    expect(stop !== good.stop || !lengths.equals(good.lengths), `SEED=${seed} bit=${bit}`).toBe(true);
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
});

test("every truncation of a small block is found, except one between two records", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const records = Array.from({ length: 6 }, (_, index) => randomRecord(random, BigInt(index + 1), 40));
  const bytes = blockOf(...records);
  const boundaries = new Set([0]);
  let boundary = 0;
  for (const record of records) {
    boundary += modelRecordBytes(record, null).length;
    boundaries.add(boundary);
  }
  let begin = 0;
  for (let size = 0; size <= bytes.length; size++) {
    if (boundaries.has(size)) begin = size;
    const { stop } = findings(bytes.subarray(0, size));
    expect(stop, `SEED=${seed} size=${size}`).toBe(begin === size ? `None at ${size}` : `Cut at ${begin}`);
  }
});

test("fuzz: random bytes and damaged blocks never break the walk, and it reports only what the model wrote", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 300; round++) {
    const where = `SEED=${seed} round=${round}`;
    const bytes = blockOf(...Array.from({ length: 1 + random.below(10) }, (_, index) => randomRecord(random, BigInt(index + 1), 200)));
    const good = new Set(findings(bytes).seen);
    for (let change = random.below(4); change >= 0; change--) {
      if (random.chance(0.5)) bytes[random.below(bytes.length)] = random.below(256);
      else bytes.fill(random.below(256), random.below(bytes.length), random.below(bytes.length));
    }
    const end = random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length;
    const { scan, seen } = scanOf(bytes, end);
    run(scan, 1 + random.below(400));
    while (scan.fault !== RecordFault.None && scan.skipDamage(10)) run(scan, 1 + random.below(400));
    expect(scan.position, where).toBeLessThanOrEqual(end);
    for (const line of seen) expect(good.has(line), `${where} ${line}`).toBe(true);
  }
});
