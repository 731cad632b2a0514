/**
 * HighwayHash-64 as its description says it, one step after the other, with BigInt: the model that the kernel is compared with.
 * Also the checksum of length words.
 */
import { INITIAL_0, INITIAL_1 } from "../../src/store/block/highway-hash-kernel.ts";

const MASK = 2n ** 64n - 1n;
const LOW = 2n ** 32n - 1n;
const swapHalves = (word: bigint) => ((word << 32n) | (word >> 32n)) & MASK;

function wordsOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: 4 }, (_, word) => {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(bytes[word * 8 + i]);
    return value;
  });
}

/** Word `word` of the two words, with its bytes in the order that the list gives: 0 to 7 are of `a`, 8 to 15 of `b`. */
function zipper(a: bigint, b: bigint, order: readonly number[]): bigint {
  const byte = (index: number) => ((index < 8 ? a : b) >> BigInt((index % 8) * 8)) & 255n;
  return order.reduceRight((value, index) => (value << 8n) | byte(index), 0n);
}

const ZIPPER_LOW = [3, 12, 2, 5, 14, 1, 15, 0];
const ZIPPER_HIGH = [11, 4, 10, 13, 9, 6, 8, 7];

/** @returns 8 bytes, in the order in which files have them */
export function slowHighwayHash(key: Uint8Array, message: Uint8Array): Uint8Array {
  const mul0: bigint[] = [...INITIAL_0];
  const mul1: bigint[] = [...INITIAL_1];
  const v0 = wordsOf(key).map((word, i) => word ^ INITIAL_0[i]);
  const v1 = wordsOf(key).map((word, i) => swapHalves(word) ^ INITIAL_1[i]);
  const update = (packet: readonly bigint[]) => {
    for (let i = 0; i < 4; i++) {
      v1[i] = (v1[i] + packet[i] + mul0[i]) & MASK;
      mul0[i] ^= (v1[i] & LOW) * (v0[i] >> 32n);
      v0[i] = (v0[i] + mul1[i]) & MASK;
      mul1[i] ^= (v0[i] & LOW) * (v1[i] >> 32n);
    }
    for (const [target, source] of [
      [v0, v1],
      [v1, v0],
    ]) {
      for (const i of [0, 2]) {
        target[i] = (target[i] + zipper(source[i], source[i + 1], ZIPPER_LOW)) & MASK;
        target[i + 1] = (target[i + 1] + zipper(source[i], source[i + 1], ZIPPER_HIGH)) & MASK;
      }
    }
  };

  const whole = message.length - (message.length % 32);
  for (let at = 0; at < whole; at += 32) update(wordsOf(message.subarray(at)));
  const rest = message.subarray(whole);
  const size = rest.length;
  if (size > 0) {
    const count = BigInt(size);
    const rotated = (half: bigint) => ((half << count) | (half >> (32n - count))) & LOW;
    for (let i = 0; i < 4; i++) {
      v0[i] = (v0[i] + (count << 32n) + count) & MASK;
      v1[i] = (rotated(v1[i] >> 32n) << 32n) | rotated(v1[i] & LOW);
    }
    const packet = new Uint8Array(32);
    const words = size - (size % 4);
    packet.set(rest.subarray(0, words));
    if (size >= 16) packet.set(rest.subarray(size - 4), 28);
    else if (size % 4 !== 0) packet.set([rest[words], rest[words + ((size % 4) >> 1)], rest[size - 1]], 16);
    update(wordsOf(packet));
  }
  for (let round = 0; round < 4; round++) update([v0[2], v0[3], v0[0], v0[1]].map(swapHalves));
  const result = new Uint8Array(8);
  new DataView(result.buffer).setBigUint64(0, (v0[0] + v1[0] + mul0[0] + mul1[0]) & MASK, true);
  return result;
}

/** The checksum of length words over records. @param headerSize null: the record has no header */
export function slowLengthsChecksum(records: readonly { lengthWord: number; subjectSize: number; headerSize: number | null }[]): bigint {
  let sum = 0n;
  const mix = (word: bigint) => {
    const product = ((sum ^ word) * 0x9e3779b97f4a7c15n) & MASK;
    sum = product ^ (product >> 32n);
  };
  for (const { lengthWord, subjectSize, headerSize } of records) {
    mix(BigInt(lengthWord >>> 0) | (BigInt(subjectSize) << 32n));
    if (headerSize !== null) mix(BigInt(headerSize));
  }
  return sum;
}
