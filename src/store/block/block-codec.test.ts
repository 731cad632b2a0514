import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { logLines } from "../../../test/doubles/log-lines.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { inOneGo } from "../../base/scheduling/sliced.ts";
import { Message } from "../contract/message.ts";
import { BLOCK_BYTES_MAX, BlockCodec } from "./block-codec.ts";
import { CompressedBlockError } from "./compressed-block.ts";
import { type BlockCipher, type StoreCipher, StoreEncryption } from "./encryption.ts";
import { HashKey } from "./hash-key.ts";
import { RecordHasher } from "./record-hasher.ts";
import { RecordWriter, sizeOf } from "./record-writer.ts";
import { stagingBytes } from "./staging-arena.ts";
import { StoreSecret } from "./store-secret.ts";
import { StreamKeys } from "./stream-keys.ts";

const hasher = new RecordHasher(stagingBytes(1));
const codec = new BlockCodec(hasher);
const key = HashKey.ofBlock("S", 1);
const CIPHERS: readonly (StoreCipher | null)[] = [null, "chacha", "aes"];

function cipherFor(cipher: StoreCipher | null): () => BlockCipher | null {
  if (cipher === null) return () => null;
  const keys = new StreamKeys(new StoreEncryption(cipher, new StoreSecret("s"), null, randomBytes), "$G", "S");
  const fileKey = keys.newBlockKey(1);
  return () => fileKey.blockCipher();
}

/** Whole records with these payloads. */
function recordsWith(payloads: readonly Buffer[]): Buffer {
  const message = new Message();
  const records: Buffer[] = [];
  for (const [index, payload] of payloads.entries()) {
    const subject = Buffer.from("s.x");
    message.sequence = index + 1;
    message.setSubject(subject, 0, subject.length);
    message.setHeader(payload, 0, 0);
    message.setPayload(payload, 0, payload.length);
    const record = Buffer.allocUnsafeSlow(sizeOf(message));
    new RecordWriter(record, new DataView(record.buffer)).message(0, message);
    hasher.sealRecordsOf(record, 0, record.length, key);
    records.push(record);
  }
  return Buffer.concat(records);
}

const RECORDS = recordsWith([logLines(3_000, 1), Buffer.alloc(0), logLines(90_000, 2), randomBytes(500)]);

function fileOf(records: Buffer, compressed: boolean, cipher: BlockCipher | null): Buffer {
  const encoded = inOneGo(codec.encode(records, records.length, compressed, cipher));
  const file = Buffer.from(encoded.bytes.subarray(0, encoded.size));
  codec.release(encoded);
  return file;
}

for (const name of CIPHERS) {
  for (const compressed of [false, true]) {
    const title = `${name ?? "plain"}${compressed ? ", compressed" : ""}`;

    test(`${title}: a block is decoded to the records that were encoded`, () => {
      const cipher = cipherFor(name);
      const file = fileOf(RECORDS, compressed, cipher());
      expect(file.length < RECORDS.length).toBe(compressed);
      const decoded = inOneGo(codec.decode(file, cipher(), key));
      expect([decoded.records.equals(RECORDS), decoded.compressed]).toEqual([true, compressed]);
    });

    test(`${title}: fuzz: changed, cut and random files are refused, or decoded within the limit`, () => {
      const seed = seedFromEnv();
      const random = new Random(seed);
      const cipher = cipherFor(name);
      const file = fileOf(RECORDS, compressed, cipher());
      for (let round = 0; round < 300; round++) {
        const bytes = random.below(5) === 0 ? randomBytes(random.below(500)) : Buffer.from(file);
        for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
        const cut = Buffer.from(random.below(3) === 0 ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes);
        try {
          const { records } = inOneGo(codec.decode(cut, cipher(), key));
          expect(records.length, `SEED=${seed} round=${round}`).toBeLessThanOrEqual(BLOCK_BYTES_MAX);
        } catch (error) {
          expect(error, `SEED=${seed} round=${round}`).toBeInstanceOf(CompressedBlockError);
        }
      }
    });
  }

  test(`${name ?? "plain"}: what is written in parts is a block, and zeros behind it stay zeros`, () => {
    const cipher = cipherFor(name);
    const file = Buffer.alloc(RECORDS.length + 5_000);
    const target = {
      write(position: number, source: Uint8Array, start: number, end: number) {
        file.set(source.subarray(start, end), position);
      },
    };
    const before = Buffer.from(RECORDS);
    const half = RECORDS.length >> 1;
    codec.write(target, 0, RECORDS, 0, half, cipher());
    codec.write(target, half, RECORDS, half, RECORDS.length, cipher());
    expect(RECORDS.equals(before)).toBe(true);
    const { records } = inOneGo(codec.decode(file, cipher(), key));
    expect(records.equals(Buffer.concat([RECORDS, Buffer.alloc(5_000)]))).toBe(true);
  });
}

test("a compressed file that states more than a block can have is refused before memory is taken", () => {
  const chunk = Buffer.from([0x00, 0x08, 0x00, 0x00, 1, 2, 3, 4, 0x80, 0x80, 0x80, 0x02]); // states 4 MiB of content
  const chunks = Array.from({ length: 20 }, () => chunk);
  const file = Buffer.concat([Buffer.from("cmp\x01\x05\xff\x06\x00\x00S2sTwO", "latin1"), ...chunks, Buffer.alloc(8)]);
  const before = process.memoryUsage.rss();
  expect(() => inOneGo(codec.decode(file, null, key))).toThrow(CompressedBlockError);
  expect(process.memoryUsage.rss() - before).toBeLessThan(40 * 1024 * 1024);
});

test("the memory of an encoded block is used again", () => {
  const records = recordsWith([logLines(500_000, 3)]);
  const first = inOneGo(codec.encode(records, records.length, true, null));
  codec.release(first);
  const second = inOneGo(codec.encode(RECORDS, RECORDS.length, true, null));
  expect(second.bytes).toBe(first.bytes);
  const third = inOneGo(codec.encode(RECORDS, RECORDS.length, false, null));
  expect(third.bytes).not.toBe(first.bytes);
  codec.release(third);
  codec.release(second);
});
