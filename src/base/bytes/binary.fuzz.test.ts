import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { BinaryReader } from "./binary-reader.ts";
import { BinaryWriter } from "./binary-writer.ts";

/** LEB128 of a number of 64 bits, as simple as it can be. */
function leb128(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}

const zigzag = (value: bigint) => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));

function random64(random: Random): bigint {
  return BigInt.asIntN(64, (BigInt(random.nextUint32()) << 32n) | BigInt(random.nextUint32())) >> BigInt(random.below(64));
}

const signed = (reader: BinaryReader) => (BigInt(reader.high) << 32n) | BigInt(reader.low);

test("fuzz: numbers of 64 bits are written and read as LEB128", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 20_000; round++) {
    const value = random64(random);
    const unsigned = BigInt.asUintN(64, value);
    const writer = new BinaryWriter(0);
    const high = Number(value >> 32n);
    const low = Number(value & 0xffff_ffffn);
    writer.varint64(high, low);
    writer.uvarint64(high, low);
    expect([...writer.bytes], `SEED=${seed} ${value}`).toEqual([...leb128(zigzag(value)), ...leb128(unsigned)]);
    const reader = new BinaryReader(writer.bytes);
    reader.varint64();
    expect(signed(reader), `SEED=${seed}`).toBe(value);
    reader.uvarint64();
    expect(signed(reader), `SEED=${seed}`).toBe(unsigned);
    expect([reader.damaged, reader.left]).toEqual([false, 0]);
  }
});

test("fuzz: fields of all kinds are read as they were written, and any truncation is damage", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const whole = () => Math.floor(random.nextFloat() * 2 ** random.below(54));
    const kinds = Array.from({ length: random.between(1, 30) }, () => random.below(7));
    const values = kinds.map(kind => (kind < 3 ? random.below(2 ** [8, 16, 32][kind]) : kind === 4 ? whole() - whole() : whole()));
    const writer = new BinaryWriter(random.below(100));
    const write = [writer.u8, writer.u16, writer.u32, writer.uvarint, writer.varint, writer.u64];
    for (const [index, kind] of kinds.entries()) {
      if (kind === 6) writer.append(Buffer.alloc(100, kind), 0, values[index] % 101);
      else write[kind].call(writer, values[index]);
    }
    const bytes = writer.bytes.slice();
    const readAll = (reader: BinaryReader) => {
      const read = [reader.u8, reader.u16, reader.u32, reader.uvarint, reader.varint, reader.u64];
      return kinds.map((kind, index) => (kind === 6 ? values[index] + 0 * reader.skip(values[index] % 101) : read[kind].call(reader)));
    };
    const reader = new BinaryReader(bytes);
    expect(readAll(reader), `SEED=${seed} round=${round}`).toEqual(values);
    expect([reader.damaged, reader.left]).toEqual([false, 0]);
    if (bytes.length === 0) continue;
    const cut = new BinaryReader(bytes, 0, random.below(bytes.length));
    readAll(cut);
    expect(cut.damaged, `SEED=${seed} round=${round}`).toBe(true);
  }
});

test("numbers that are too large are damage, and everything is 0 afterwards", () => {
  const eleven = new BinaryReader(Uint8Array.from([...Array(10).fill(0x80), 0, 5]));
  expect([eleven.uvarint(), eleven.damaged, eleven.u8(), eleven.uvarint(), eleven.varint()]).toEqual([0, true, 0, 0, 0]);
  const bit64 = new BinaryReader(Uint8Array.from([...Array(9).fill(0xff), 2]));
  expect([bit64.uvarint(), bit64.damaged]).toEqual([0, true]);
  const unsafe = new BinaryReader(Uint8Array.from(leb128(2n ** 53n)));
  expect([unsafe.uvarint(), unsafe.damaged]).toEqual([0, true]);
  const safe = new BinaryReader(Uint8Array.from(leb128(2n ** 53n - 1n)));
  expect([safe.uvarint(), safe.damaged]).toEqual([2 ** 53 - 1, false]);
  const unsafe64 = new BinaryReader(Uint8Array.from([0, 0, 0, 0, 0, 0, 0x20, 0]));
  expect([unsafe64.u64(), unsafe64.damaged]).toEqual([0, true]);
  const negative = new BinaryReader(Uint8Array.from(leb128(zigzag(-(2n ** 53n)))));
  expect([negative.varint(), negative.damaged]).toEqual([0, true]);
  // As the reference, it accepts a number with more bytes than needed.
  expect(new BinaryReader(Uint8Array.from([0x81, 0x80, 0])).uvarint()).toBe(1);
});

test("a number is overwritten in place", () => {
  const writer = new BinaryWriter(0);
  writer.u64(0);
  writer.u32(0);
  writer.setU64(0, 2 ** 53 - 1);
  writer.setU32(8, 2 ** 32 - 1);
  const reader = new BinaryReader(writer.bytes);
  expect([reader.u64(), reader.u32(), reader.left]).toEqual([2 ** 53 - 1, 2 ** 32 - 1, 0]);
});
