import { expect, test } from "bun:test";
import { keyOfBlock, modelRecordBytes } from "../../../test/doubles/model-record.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { Message } from "../contract/message.ts";
import { HashKey } from "./hash-key.ts";
import { LengthsChecksum } from "./lengths-checksum.ts";
import { RecordHasher } from "./record-hasher.ts";
import { sizeOf } from "./record-writer.ts";
import { ARENA_FULL, StagedRecords, WRITE_FIRST } from "./staged-records.ts";
import { REGION_BYTES, RegionSize, StagingArena, stagingBytes } from "./staging-arena.ts";

const KEY = HashKey.ofBlock("S", 1);
const arenaOf = (chunks: number) => new StagingArena(new RecordHasher(stagingBytes(chunks)));

function messageOf(sequence: number, payloadSize: number): Message {
  const message = new Message();
  message.sequence = sequence;
  message.setSubject(Buffer.from("sub"), 0, 3);
  message.setPayload(Buffer.alloc(payloadSize, sequence), 0, payloadSize);
  return message;
}

/** @returns what `reserve` said */
function stage(arena: StagingArena, records: StagedRecords, message: Message): number {
  const size = sizeOf(message);
  const at = records.reserve(size);
  if (at < 0) return at;
  expect(arena.writer.message(at, message)).toBe(at + size);
  records.added(size);
  return at;
}

const expected = (sequences: number[], payloadSize: number): Buffer =>
  Buffer.concat(
    sequences.map(sequence =>
      modelRecordBytes(
        { sequence: BigInt(sequence), time: 0n, subject: Buffer.from("sub"), header: null, payload: Buffer.alloc(payloadSize, sequence) },
        keyOfBlock("S", 1),
      ),
    ),
  );

test("staged records are one range of sealed bytes, in their order, and the region comes back", () => {
  const arena = arenaOf(1);
  const records = new StagedRecords(arena);
  expect([records.size, records.bytes.length, arena.lentBytes]).toEqual([0, 0, 0]);
  for (const sequence of [1, 2]) stage(arena, records, messageOf(sequence, 10));
  const lengths = new LengthsChecksum();
  records.seal(KEY, lengths);
  const afterTwo = new LengthsChecksum().copy(lengths);
  records.seal(KEY, lengths);
  expect(lengths).toEqual(afterTwo);
  stage(arena, records, messageOf(3, 10));
  records.seal(KEY, lengths);
  expect(records.bytes.equals(expected([1, 2, 3], 10))).toBe(true);
  const walked = new LengthsChecksum();
  arena.hasher.verifyRecords(records.bytes, 0, records.size, KEY, walked);
  expect(lengths).toEqual(walked);
  expect(arena.lentBytes).toBe(REGION_BYTES[RegionSize.Small]);
  records.clear();
  expect([records.size, arena.lentBytes]).toEqual([0, 0]);
  records.clear();
  expect(arena.lentBytes).toBe(0);
});

test("records move to larger regions as they grow, also sealed ones, and at the end the caller must write first", () => {
  const arena = arenaOf(2);
  const records = new StagedRecords(arena);
  const payload = 1_000;
  const sequences: number[] = [];
  const sizes: number[] = [];
  for (let sequence = 1; stage(arena, records, messageOf(sequence, payload)) !== WRITE_FIRST; sequence++) {
    sequences.push(sequence);
    if (sequence === 3 || sequence === 50) records.seal(KEY, null);
    if (arena.lentBytes !== sizes.at(-1)) sizes.push(arena.lentBytes);
  }
  expect(sizes).toEqual([4 * 1024, 64 * 1024, 1024 * 1024]);
  expect(sequences).toHaveLength(Math.floor((1024 * 1024) / 1_033));
  records.seal(KEY, null);
  expect(arena.hasher.verifyRecords(records.bytes, 0, records.size, KEY, null)).toBe(records.size);
  expect(records.bytes.subarray(0, 1_033 * 60).equals(expected(sequences.slice(0, 60), payload))).toBe(true);
});

test("when the space is used up, a store with records writes them first; one without waits for the others", () => {
  const arena = arenaOf(1);
  const stores = Array.from({ length: 256 }, () => new StagedRecords(arena));
  for (const records of stores) expect(stage(arena, records, messageOf(1, 3_000))).toBeGreaterThan(0);
  const late = new StagedRecords(arena);
  expect(stage(arena, late, messageOf(1, 10))).toBe(ARENA_FULL);
  expect(stage(arena, stores[7], messageOf(2, 3_000))).toBe(WRITE_FIRST);
  expect(stage(arena, stores[7], messageOf(2, 900))).toBeGreaterThan(0);
  stores[9].clear();
  expect(stage(arena, late, messageOf(1, 10))).toBeGreaterThan(0);
  for (const records of [...stores, late]) records.clear();
  expect(arena.lentBytes).toBe(0);
  expect(stage(arena, late, messageOf(1, 1024 * 1024 - 33))).toBeGreaterThan(0); // the whole chunk
});

test("a record larger than the largest region cannot be staged", () => {
  const records = new StagedRecords(arenaOf(1));
  expect(() => records.reserve(1024 * 1024 + 1)).toThrow("a record of 1048577 bytes cannot be staged");
});

test("fuzz: regions never overlap, lie in the staging space, and all come back", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const arena = arenaOf(4);
  const { hasher } = arena;
  const lent: { address: number; size: RegionSize }[] = [];
  for (let round = 0; round < 6_000; round++) {
    const where = `SEED=${seed} round=${round}`;
    if (random.chance(lent.length > 150 ? 0.3 : 0.6)) {
      const size = random.chance(0.02) ? RegionSize.Large : random.chance(0.2) ? RegionSize.Medium : RegionSize.Small;
      const address = arena.lend(size);
      if (address === -1) {
        if (size === RegionSize.Small) expect(arena.lentBytes, where).toBe(stagingBytes(4));
        continue;
      }
      const end = address + REGION_BYTES[size];
      expect(address >= hasher.stagingStart && end <= hasher.stagingEnd, where).toBe(true);
      const overlaps = lent.filter(other => other.address < end && address < other.address + REGION_BYTES[other.size]);
      expect(overlaps, where).toEqual([]);
      lent.push({ address, size });
    } else if (lent.length > 0) {
      const [{ address, size }] = lent.splice(random.below(lent.length), 1);
      arena.giveBack(address, size);
    }
    expect(arena.lentBytes, where).toBe(lent.reduce((sum, { size }) => sum + REGION_BYTES[size], 0));
  }
  for (const { address, size } of lent) arena.giveBack(address, size);
  expect(Array.from({ length: 5 }, () => arena.lend(RegionSize.Large)).map(address => address !== -1)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});

test("two servers in one process share no memory", () => {
  const [one, other] = [arenaOf(1), arenaOf(1)];
  const records = new StagedRecords(one);
  const at = stage(one, records, messageOf(1, 10));
  expect(other.hasher.bytes[at]).toBe(0);
  expect(one.hasher.bytes.buffer).not.toBe(other.hasher.bytes.buffer);
});
