/** Message records of a block, built field by field with BigInt: the model for encoders and decoders. */
import { createHash } from "node:crypto";
import type { Random } from "../../src/base/random/random.ts";
import { slowHighwayHash } from "./slow-highway-hash.ts";

export interface ModelRecord {
  /** As on the disk: bit 63 is set in gaps and erased messages, bit 62 in tombstones. */
  sequence: bigint;
  /** Nanoseconds since 1970. */
  time: bigint;
  subject: Uint8Array;
  /** null: no header. */
  header: Uint8Array | null;
  /** Payload; of an erased message its random bytes. */
  payload: Uint8Array;
}

export const GAP_BIT = 1n << 63n;
export const TOMBSTONE_BIT = 1n << 62n;

/** Records that a real server wrote, in block 1 of stream `ORDERS`. */
export const GOLDEN_RECORDS = {
  message: "2d000000010000000000000000002a36fe9c97170a006f72646572732e6e657768656c6c6f7d28f55830ba6f76",
  withHeader:
    "4a000080020000000000000001002a36fe9c97170a006f72646572732e6e65771c0000004e4154532f312e300d0a4e6174732d4d73672d49643a20610d0a0d0a6869961a4570f0d6dbdd",
  tombstone: "1e000000010000000000004000002a36fe9c97170000d77fbf4e40aace9f",
  gap: "1e000000030000000000008000002a36fe9c9717000035145392c97f026a",
};

export const keyOfBlock = (stream: string, block: number): Uint8Array => createHash("sha256").update(`${stream}-${block}`).digest();

/** @param key of the block; null: the checksum is left zero */
export function modelRecordBytes({ sequence, time, subject, header, payload }: ModelRecord, key: Uint8Array | null): Buffer {
  const size = 30 + subject.length + (header === null ? 0 : 4 + header.length) + payload.length;
  const start = Buffer.alloc(22);
  start.writeUInt32LE(header === null ? size : size + 2 ** 31, 0);
  start.writeBigUInt64LE(BigInt.asUintN(64, sequence), 4);
  start.writeBigInt64LE(time, 12);
  start.writeUInt16LE(subject.length, 20);
  const headerSize = Buffer.alloc(header === null ? 0 : 4);
  if (header !== null) headerSize.writeUInt32LE(header.length, 0);
  const body = [header ?? Buffer.alloc(0), payload];
  const checksum = key === null ? Buffer.alloc(8) : slowHighwayHash(key, Buffer.concat([start.subarray(4, 20), subject, ...body]));
  return Buffer.concat([start, subject, headerSize, ...body, checksum]);
}

function randomBytes(random: Random, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = random.below(256);
  return bytes;
}

/** A time between 1901 and 2038, and now and then an extreme one. */
function randomTime(random: Random): bigint {
  if (random.chance(0.05)) return random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]);
  return BigInt(random.nextInt32()) * 1_000_000_000n + BigInt(random.below(1_000_000_000));
}

/** A record of any kind. @param largest about the largest subject, header or payload */
export function randomRecord(random: Random, sequence: bigint, largest: number): ModelRecord {
  const size = () => random.below(random.chance(0.2) ? largest : Math.min(largest, 70));
  const empty = new Uint8Array(0);
  const record = { sequence, time: randomTime(random), subject: empty, header: null, payload: empty };
  switch (random.below(10)) {
    case 0:
      return { ...record, sequence: sequence | GAP_BIT };
    case 1:
      return { ...record, sequence: sequence | TOMBSTONE_BIT };
    case 2:
      return { ...record, sequence: sequence | GAP_BIT, time: 0n, payload: randomBytes(random, 1 + size()) };
    default:
      return {
        ...record,
        subject: randomBytes(random, 1 + Math.min(0xfffe, size())),
        header: random.chance(0.5) ? randomBytes(random, size()) : null,
        payload: randomBytes(random, size()),
      };
  }
}
