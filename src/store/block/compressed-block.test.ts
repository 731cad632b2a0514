import { expect, test } from "bun:test";
import { logLines } from "../../../test/doubles/log-lines.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { S2Codec } from "../../base/compression/s2-codec.ts";
import { Random } from "../../base/random/random.ts";
import { inOneGo, type Sliced } from "../../base/scheduling/sliced.ts";
import { CompressedBlockError, compressBlock, compressedBytesMax, looksCompressed, recordsOf } from "./compressed-block.ts";

const MOST = 10_000_000;
const codec = new S2Codec();
const never = () => {
  throw new Error("a block of another length was taken for a record");
};
function* compressing(records: Uint8Array): Sliced<Buffer> {
  const target = Buffer.alloc(compressedBytesMax(records.length));
  return target.subarray(0, yield* compressBlock(codec, records, records.length, target));
}
const compress = (records: Uint8Array) => inOneGo(compressing(records));
const expand = (file: Uint8Array, most = MOST) => Buffer.from(inOneGo(recordsOf(codec, file, most, never)));

/** Records of formats §10.3, and the file that a stream of plain chunks makes of them. */
const RECORDS = Buffer.from(
  "2d000000010000000000000000002a36fe9c97170a006f72646572732e6e657768656c6c6f7d28f55830ba6f76" +
    "1e000000010000000000004000002a36fe9c97170000d77fbf4e40aace9f",
  "hex",
);

test("a file is the mark, the size, an S2 stream without the last checksum, and that checksum", () => {
  const file = Buffer.from(compress(RECORDS));
  expect(file.subarray(0, 15).toString("hex")).toBe("636d7001" + "4b" + "ff0600005332735477" + "4f");
  expect(file.subarray(-8)).toEqual(RECORDS.subarray(-8));
  expect(looksCompressed(file)).toBe(true);
  expect(expand(file)).toEqual(RECORDS);
});

test("8 MiB of lines are compressed and expanded in slices", () => {
  const records = logLines(8 * 1024 * 1024, 3);
  const work = compressing(records);
  let pauses = 0;
  let step = work.next();
  for (; !step.done; step = work.next()) pauses++;
  expect(pauses).toBe(32);
  const file = step.value as Uint8Array;
  expect(file.length).toBeLessThan(records.length / 3);
  const reading = recordsOf(codec, file, MOST, never);
  pauses = 0;
  let read = reading.next();
  for (; !read.done; read = reading.next()) pauses++;
  expect(pauses).toBe(32);
  expect(Buffer.from(read.value as Uint8Array).equals(records)).toBe(true);
});

test("only a file of five bytes or more with the mark and algorithm 1 is compressed; others are returned as they are", () => {
  for (const hex of ["", "63", "636d7001", "636d700005", "636d700205", "2d00000001"]) {
    const file = Buffer.from(hex, "hex");
    expect(looksCompressed(file)).toBe(false);
    expect(inOneGo(recordsOf(codec, file, MOST, never))).toBe(file);
  }
});

test("a damaged file is refused with the reason, and so is one that states too much", () => {
  const file = compress(RECORDS);
  const refused = (bytes: Uint8Array, reason: string, most = MOST) =>
    expect(() => expand(bytes, most)).toThrow(new CompressedBlockError(reason));
  refused(Buffer.from("636d7001ff", "hex"), "the block ends before its size");
  refused(Buffer.from(`636d7001${"ff".repeat(10)}01`, "hex"), "the block ends before its size");
  refused(file.subarray(0, 12), "the block ends before its checksum");
  refused(file.subarray(0, -1), "a chunk is cut off");
  refused(file, "a chunk of 67 bytes exceeds the limit of 66", RECORDS.length - 1);
  const changed = Buffer.from(file);
  changed[40]! ^= 1;
  refused(changed, "a chunk with a wrong checksum");
  expect(() => compress(RECORDS.subarray(0, 7))).toThrow(new CompressedBlockError("a block without a record cannot be compressed"));
});

test("the stated size is not believed, as in nats-server", () => {
  const file = Buffer.from(compress(RECORDS));
  file[4] = 1;
  expect(expand(file)).toEqual(RECORDS);
});

test("a long file that is no stream is an uncompressed block if it begins with a good record", () => {
  const file = Buffer.alloc(24_145_251 + 30);
  file.writeUInt32LE(24_145_251);
  const ask = (bytes: Uint8Array, good: boolean) => inOneGo(recordsOf(codec, bytes, 40 * 1024 * 1024, asked => asked === bytes && good));
  expect(looksCompressed(file)).toBe(true);
  expect(ask(file, true)).toBe(file);
  expect(() => ask(file, false)).toThrow(CompressedBlockError);
  expect(() => ask(file.subarray(0, 24_145_250), true)).toThrow(CompressedBlockError);
});

test("fuzz: files with changed bytes and cut files are refused or expanded within the limit", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const files = [compress(RECORDS), compress(logLines(5_000, 4)), compress(logLines(100_000, 5))];
  for (let round = 0; round < 2_000; round++) {
    const file = Buffer.from(random.pick(files));
    for (let flips = random.below(4); flips > 0; flips--) file[random.below(file.length)] = random.below(256);
    const cut = random.below(3) === 0 ? file.subarray(0, random.below(file.length)) : file;
    const most = random.below(200_000);
    try {
      const records = inOneGo(recordsOf(codec, cut, most, never));
      if (records !== cut) expect(records.length, `SEED=${seed} round=${round}`).toBeLessThanOrEqual(most);
    } catch (error) {
      expect(error, `SEED=${seed} round=${round}`).toBeInstanceOf(CompressedBlockError);
    }
  }
});
