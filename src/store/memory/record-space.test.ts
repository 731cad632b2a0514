import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { Message } from "../contract/message.ts";
import { CHUNK_BYTES, ChunkPool } from "./chunk-pool.ts";
import { type RecordOwner, RecordSpace } from "./record-space.ts";

interface Place {
  chunk: number;
  offset: number;
  payload: string;
}

/** Records by sequence, as the index of a store knows them. */
class Owner implements RecordOwner {
  readonly places = new Map<number, Place>();
  readonly space: RecordSpace;
  moves = 0;

  constructor(pool: ChunkPool) {
    this.space = new RecordSpace(pool, this);
  }

  write(sequence: number, payload: string): void {
    const bytes = Buffer.from(`head${payload}`);
    const message = new Message();
    message.timeHigh = -5;
    message.timeLow = 4_000_000_000;
    message.setHeader(bytes, 0, 4);
    message.setPayload(bytes, 4, bytes.length);
    const offset = this.space.write(message, sequence, 7);
    this.places.set(sequence, { chunk: this.space.written, offset, payload });
  }

  free(sequence: number): void {
    const { chunk, offset } = this.places.get(sequence)!;
    this.places.delete(sequence);
    this.space.free(chunk, offset);
    this.space.compact();
  }

  isLive(sequence: number, chunk: number, offset: number): boolean {
    const place = this.places.get(sequence);
    return place?.chunk === chunk && place.offset === offset;
  }

  onMoved(sequence: number, chunk: number, offset: number): void {
    this.moves++;
    const place = this.places.get(sequence)!;
    place.chunk = chunk;
    place.offset = offset;
  }

  /** The first record that does not read as it was written; null: all do. */
  wrong(): number | null {
    const message = new Message();
    for (const [sequence, { chunk, offset, payload }] of this.places) {
      this.space.read(chunk, offset, message);
      const header = Buffer.from(message.header.subarray(message.headerStart, message.headerEnd)).toString();
      const read = Buffer.from(message.payload.subarray(message.payloadStart, message.payloadEnd)).toString();
      const isRight = message.sequence === sequence && message.timeHigh === -5 && message.timeLow === 4_000_000_000 && header === "head";
      if (!isRight || read !== payload || this.space.ttl(chunk, offset) !== 7) return sequence;
    }
    return null;
  }

  /** Bytes that the live records have with their heads. */
  liveBytes(): number {
    let sum = 0;
    for (const { payload } of this.places.values()) sum += 40 + payload.length;
    return sum;
  }
}

test("fuzz: records stay as they were written, and memory follows what is live", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const pool = new ChunkPool();
  for (let round = 0; round < 4; round++) {
    const owner = new Owner(pool);
    let sequence = 0;
    for (let phase = 0; phase < 12; phase++) {
      const writes = random.below(1_500);
      for (let done = 0; done < writes; done++) {
        owner.write(++sequence, String(sequence).repeat(random.chance(0.01) ? random.below(20_000) : random.below(60)));
      }
      const share = random.nextFloat();
      for (const key of random.shuffle([...owner.places.keys()])) if (random.chance(share)) owner.free(key);
      expect(owner.wrong(), `SEED=${seed} round=${round} phase=${phase}`).toBeNull();
      const largest = 2 * (owner.liveBytes() + CHUNK_BYTES) + 16 * 1024;
      expect(owner.space.bytesTaken, `SEED=${seed} round=${round} phase=${phase}`).toBeLessThan(largest);
    }
    owner.space.clear();
    expect(owner.space.bytesTaken).toBe(0);
  }
});

test("a stream that only loses its oldest messages never moves a record", () => {
  const owner = new Owner(new ChunkPool());
  for (let sequence = 1; sequence <= 20_000; sequence++) {
    owner.write(sequence, "x".repeat(100));
    if (sequence > 5_000) owner.free(sequence - 5_000);
  }
  expect(owner.moves).toBe(0);
  expect(owner.space.bytesTaken).toBeLessThan(5_000 * 144 + 3 * CHUNK_BYTES);
});

test("a store with one small message takes a small chunk, a large message its own size", () => {
  const owner = new Owner(new ChunkPool());
  owner.write(1, "x");
  expect(owner.space.bytesTaken).toBe(4096);
  owner.write(2, "y".repeat(1_000_000));
  expect(owner.space.bytesTaken).toBe(4096 + 1_000_040 - (1_000_040 % 8));
  owner.free(2);
  expect(owner.space.bytesTaken).toBe(4096);
});

test("a chunk that is given back is used by another store", () => {
  const pool = new ChunkPool();
  const chunk = pool.take(CHUNK_BYTES);
  chunk.used = 100;
  pool.give(chunk);
  expect(pool.take(CHUNK_BYTES)).toBe(chunk);
  expect(chunk.used).toBe(0);
});
