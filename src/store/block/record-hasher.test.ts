import { expect, test } from "bun:test";
import { GOLDEN_RECORDS, keyOfBlock, type ModelRecord, modelRecordBytes, randomRecord } from "../../../test/doubles/model-record.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { slowLengthsChecksum } from "../../../test/doubles/slow-highway-hash.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "./hash-key.ts";
import { LengthsChecksum } from "./lengths-checksum.ts";
import { RecordFault } from "./record-format.ts";
import { RecordHasher } from "./record-hasher.ts";

const STAGING_BYTES = 1024 * 1024;
const ORDERS = HashKey.ofBlock("ORDERS", 1);
const golden = Buffer.from(Object.values(GOLDEN_RECORDS).join(""), "hex");

/** Puts records without checksums into the staging space, and seals them. @returns their bytes */
function seal(hasher: RecordHasher, bytes: Uint8Array, key: HashKey, lengths: LengthsChecksum | null): Buffer {
  const { stagingStart } = hasher;
  const end = stagingStart + bytes.length;
  hasher.bytes.set(bytes, stagingStart);
  hasher.sealRecords(stagingStart, end, key, lengths);
  return Buffer.from(hasher.bytes.subarray(stagingStart, end));
}

function withoutChecksums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; ) {
    const size = copy.readUInt32LE(at) & 0x7fff_ffff;
    copy.fill(0xaa, at + size - 8, at + size);
    at += size;
  }
  return copy;
}

const lengthsOf = (records: readonly ModelRecord[]): LengthsChecksum => {
  const sum = slowLengthsChecksum(
    records.map(({ subject, header, payload }) => {
      const size = 30 + subject.length + (header === null ? 0 : 4 + header.length) + payload.length;
      return { lengthWord: header === null ? size : size + 2 ** 31, subjectSize: subject.length, headerSize: header?.length ?? null };
    }),
  );
  return new LengthsChecksum().set(Number(sum >> 32n), Number(sum & 0xffff_ffffn));
};

/** Begin of the record that holds an offset, and whether the byte belongs to a length word, which no checksum of a record covers. */
function recordAround(records: readonly ModelRecord[], offset: number): { start: number; isLength: boolean } {
  let start = 0;
  for (const record of records) {
    const size = modelRecordBytes(record, null).length;
    if (offset < start + size) {
      const at = offset - start;
      const headerLength = 22 + record.subject.length;
      const isLength = at < 4 || at === 20 || at === 21 || (record.header !== null && at >= headerLength && at < headerLength + 4);
      return { start, isLength };
    }
    start += size;
  }
  throw new Error(`no record at ${offset}`);
}

test("sealing gives the checksums of records that a real server wrote", () => {
  const hasher = new RecordHasher(STAGING_BYTES);
  expect(seal(hasher, withoutChecksums(golden), ORDERS, null).toString("hex")).toBe(golden.toString("hex"));
  const copy = withoutChecksums(golden);
  hasher.sealRecordsOf(copy, 0, copy.length, ORDERS);
  expect(copy.toString("hex")).toBe(golden.toString("hex"));
});

test("verifying accepts records that a real server wrote, with the key of their block only", () => {
  const hasher = new RecordHasher(0);
  expect(hasher.verifyRecords(golden, 0, golden.length, ORDERS, null)).toBe(golden.length);
  expect(hasher.fault).toBe(RecordFault.None);
  expect(hasher.verifyRecords(golden, 0, golden.length, HashKey.ofBlock("ORDERS", 2), null)).toBe(0);
  expect(hasher.fault).toBe(RecordFault.BadChecksum);
});

test("bytes that are not whole records are a defect of the caller", () => {
  const hasher = new RecordHasher(STAGING_BYTES);
  expect(() => seal(hasher, golden.subarray(0, 50), ORDERS, null)).toThrow("staged bytes are not whole records: Cut 45 of 50");
  expect(() => hasher.sealRecordsOf(Buffer.alloc(40), 0, 40, ORDERS)).toThrow("bytes are not whole records: Zero at 0 of 40");
});

test("verifying names the first record that is not good, and why", () => {
  const hasher = new RecordHasher(0);
  const ends = (change: (copy: Buffer) => Uint8Array) => {
    const bytes = change(Buffer.from(golden));
    return [hasher.verifyRecords(bytes, 0, bytes.length, ORDERS, null), RecordFault[hasher.fault]];
  };
  const second = 45;
  expect(ends(copy => copy.subarray(0, second + 21))).toEqual([second, "Cut"]);
  expect(ends(copy => copy.subarray(0, second + 3))).toEqual([second, "Cut"]);
  expect(ends(copy => copy.subarray(0, second + 73))).toEqual([second, "Cut"]);
  expect(ends(copy => copy.subarray(0, second))).toEqual([second, "None"]);
  expect(ends(copy => Buffer.concat([copy.subarray(0, second), Buffer.alloc(100)]))).toEqual([second, "Zero"]);
  const set = (offset: number, value: number) => ends(copy => copy.fill(value, offset, offset + 1));
  expect(set(second, 30)).toEqual([second, "BadLength"]); // too small for its subject
  expect(set(second + 3, 0x82)).toEqual([second, "BadLength"]); // more than 32 MiB
  expect(set(second + 20, 200)).toEqual([second, "BadLength"]); // the subject is longer than the record
  expect(set(second + 32, 0xff)).toEqual([second, "BadLength"]); // the header is longer than the record
  expect(set(second + 4, 9)).toEqual([second, "BadChecksum"]);
  expect(set(second + 73, 0)).toEqual([second, "BadChecksum"]);
});

test("the checksum of length words continues, and shows lengths that the checksums of records do not cover", () => {
  const hasher = new RecordHasher(0);
  const whole = new LengthsChecksum();
  expect(hasher.verifyRecords(golden, 0, golden.length, ORDERS, whole)).toBe(golden.length);
  const parts = new LengthsChecksum();
  for (const [from, to] of [
    [0, 45],
    [45, 119],
    [119, golden.length],
  ]) {
    hasher.verifyRecords(golden, from, to, ORDERS, parts);
  }
  expect(parts).toEqual(whole);
  const changed = Buffer.from(golden);
  changed[20] ^= 1; // one byte moves from the payload to the subject: the same bytes are hashed
  const other = new LengthsChecksum();
  expect(hasher.verifyRecords(changed, 0, changed.length, ORDERS, other)).toBe(golden.length);
  expect(other.equals(whole)).toBe(false);
  // The same, one record at a time.
  const added = new LengthsChecksum();
  hasher.addLengths(added, 45, 10, 0);
  hasher.addLengths(added, 74 + 2 ** 31, 10, 28);
  hasher.addLengths(added, 30, 0, 0);
  hasher.addLengths(added, 30, 0, 0);
  expect(added).toEqual(whole);
});

test("fuzz: sealed records are those of the model, and verify; every changed bit in what is hashed is found", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const hasher = new RecordHasher(STAGING_BYTES);
  for (let round = 0; round < 60; round++) {
    const where = `SEED=${seed} round=${round}`;
    const rawKey = keyOfBlock("S", round);
    const key = HashKey.ofBlock("S", round);
    const records = Array.from({ length: random.below(12) }, (_, index) => randomRecord(random, BigInt(index + 1), 300));
    const expected = Buffer.concat(records.map(record => modelRecordBytes(record, rawKey)));
    const lengths = new LengthsChecksum();
    expect(seal(hasher, withoutChecksums(expected), key, lengths).equals(expected), where).toBe(true);
    expect(lengths, where).toEqual(lengthsOf(records));
    const read = new LengthsChecksum();
    expect(hasher.verifyRecords(expected, 0, expected.length, key, read), where).toBe(expected.length);
    expect(read, where).toEqual(lengths);
    if (expected.length === 0) continue;
    const bit = random.below(expected.length * 8);
    expected[bit >> 3] ^= 1 << (bit & 7);
    const changed = new LengthsChecksum();
    const stop = hasher.verifyRecords(expected, 0, expected.length, key, changed);
    expect(stop < expected.length || !changed.equals(lengths), `${where} bit=${bit}`).toBe(true);
    const changedRecord = recordAround(records, bit >> 3);
    if (!changedRecord.isLength) expect([stop, hasher.fault], where).toEqual([changedRecord.start, RecordFault.BadChecksum]);
  }
});

test("fuzz: records larger than the window, and around its end", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const hasher = new RecordHasher(STAGING_BYTES);
  const key = HashKey.ofBlock("L", 1);
  for (let round = 0; round < 6; round++) {
    const where = `SEED=${seed} round=${round}`;
    const records = Array.from({ length: 8 }, (_, index) => randomRecord(random, BigInt(index + 1), 200_000));
    const bytes = Buffer.concat(records.map(record => modelRecordBytes(record, null)));
    hasher.sealRecordsOf(bytes, 0, bytes.length, key);
    if (bytes.length <= STAGING_BYTES) expect(seal(hasher, withoutChecksums(bytes), key, null).equals(bytes), where).toBe(true);
    const lengths = new LengthsChecksum();
    expect(hasher.verifyRecords(bytes, 0, bytes.length, key, lengths), where).toBe(bytes.length);
    expect(lengths, where).toEqual(lengthsOf(records));
    const largest = records.reduce((most, { payload }, index) => (payload.length > records[most].payload.length ? index : most), 0);
    const start = records.slice(0, largest).reduce((sum, record) => sum + modelRecordBytes(record, null).length, 0);
    const size = modelRecordBytes(records[largest], null).length;
    bytes[start + size - 9] ^= 4;
    expect([hasher.verifyRecords(bytes, 0, bytes.length, key, null), hasher.fault], where).toEqual([start, RecordFault.BadChecksum]);
    expect([hasher.verifyRecords(bytes, start, start + size - 1, key, null), hasher.fault], where).toEqual([start, RecordFault.Cut]);
  }
});
