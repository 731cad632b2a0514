import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { BufferPool, LARGEST_CHUNK_BYTES, LARGEST_TIER, TIER_BYTES } from "./buffer-pool.ts";

test("a chunk has the size of its tier, and is reused after it was given back", () => {
  const pool = new BufferPool(() => {});
  for (const [tier, bytes] of TIER_BYTES.entries()) {
    const chunk = pool.take(tier);
    expect([chunk.length, pool.taken]).toEqual([bytes, 1]);
    const other = pool.take(tier);
    expect(other).not.toBe(chunk);
    pool.give(chunk);
    expect([pool.take(tier), pool.taken]).toEqual([chunk, 2]);
    pool.give(chunk);
    pool.give(other);
    expect(pool.taken).toBe(0);
  }
  expect(TIER_BYTES[LARGEST_TIER]).toBe(LARGEST_CHUNK_BYTES);
});

test("no two holders share memory", () => {
  const pool = new BufferPool(() => {});
  const chunks = Array.from({ length: 50 }, (_, index) => pool.take(index % 2).fill(index));
  for (const [index, chunk] of chunks.entries()) expect(chunk.every(byte => byte === index)).toBe(true);
  expect(new Set(chunks.map(chunk => chunk.buffer)).size).toBe(50);
});

test("the number of free chunks is bounded, and trimming releases half of them", () => {
  const pool = new BufferPool(() => {});
  const takeAndGive = (count: number) => {
    const chunks = Array.from({ length: count }, () => pool.take(0));
    for (const chunk of chunks) pool.give(chunk);
    return chunks;
  };
  const first = new Set(takeAndGive(10_000));
  const known = (count: number) => takeAndGive(count).filter(chunk => first.has(chunk)).length;
  const kept = known(10_000);
  expect(kept).toBeLessThanOrEqual(4_096);
  expect(kept).toBeGreaterThan(0);
  pool.trim();
  expect(known(10_000)).toBeLessThanOrEqual(kept / 2);
  expect(pool.taken).toBe(0);
});

test("above one mebibyte of free chunks the pool requests trimming, one call at a time", () => {
  let requests = 0;
  const pool = new BufferPool(() => requests++);
  const chunks = Array.from({ length: 100 }, () => pool.take(LARGEST_TIER));
  for (const [index, chunk] of chunks.entries()) {
    pool.give(chunk);
    expect(requests, `${index + 1} chunks`).toBe((index + 1) * LARGEST_CHUNK_BYTES > 1024 * 1024 ? 1 : 0);
  }
  const calls: number[] = [];
  for (let trim = 0; trim < 5; trim++) {
    pool.trim();
    calls.push(requests);
  }
  expect(calls).toEqual([2, 3, 3, 3, 3]); // 50 chunks are left, 25, 12, 6, 3: a mebibyte is 16
  expect([pool.trimWanted, pool.taken]).toEqual([false, 0]);
});

test("assertions: a chunk of a tier comes back, and once", () => {
  const pool = new BufferPool(() => {});
  const chunk = pool.take(0);
  pool.take(0);
  expect(brokenAssertion(() => pool.give(Buffer.alloc(100)))).toBe("Assertion broken: a chunk has the size of a tier: 100");
  pool.take(0);
  pool.give(chunk);
  expect(brokenAssertion(() => pool.give(chunk))).toBe("Assertion broken: a chunk comes back once: 512");
  const empty = new BufferPool(() => {});
  expect(brokenAssertion(() => empty.give(chunk))).toBe("Assertion broken: no more chunks come back than were taken: 0");
});
