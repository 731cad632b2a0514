import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { Block } from "./block.ts";
import { BlockCache } from "./block-cache.ts";

/** A block with content of `size` bytes, in the cache. */
function newBlock(cache: BlockCache, index: number, size = 10_000): Block {
  const block = new Block(index, `${index}.blk`);
  const data = cache.empty(index * 100);
  cache.put(block, data);
  const before = data.memory;
  data.append(new Uint8Array(size).fill(index), 0, size);
  data.addSlot(index * 100, 0, 7);
  cache.grown(block, before);
  return block;
}

test("the memory of a block that nobody read serves the next one", () => {
  const cache = new BlockCache(new FakeClock());
  const first = newBlock(cache, 1);
  const { bytes } = first.data!;
  cache.recycle(first);
  expect([first.data, cache.size]).toEqual([null, 0]);
  const second = newBlock(cache, 2);
  expect(second.data!.bytes).toBe(bytes);
  expect([second.data!.base, second.data!.size, second.data!.slots, second.data!.offsetOf(100)]).toEqual([200, 10_000, 1, 0xffff_ffff]);
  expect(cache.size).toBe(second.data!.memory);
  cache.stop();
});

test("the memory of a block that was read stays as it is: views of it may exist", () => {
  const cache = new BlockCache(new FakeClock());
  const first = newBlock(cache, 1);
  cache.use(first.data!);
  cache.recycle(first);
  const { bytes } = first.data!;
  cache.drop(first);
  expect(newBlock(cache, 2).data!.bytes).not.toBe(bytes);
  expect(bytes[0]).toBe(1);
  cache.stop();
});

test("a recycled block was not read since: the mark of reads does not pass on", () => {
  const cache = new BlockCache(new FakeClock());
  const first = newBlock(cache, 1);
  cache.recycle(first);
  const second = newBlock(cache, 2);
  cache.use(second.data!);
  cache.recycle(second);
  expect(second.data).not.toBe(null);
  cache.stop();
});

test("memory that waits for a next block is given up by a sweep", () => {
  const clock = new FakeClock();
  const cache = new BlockCache(clock);
  const kept = newBlock(cache, 3);
  const first = newBlock(cache, 1);
  const { bytes } = first.data!;
  cache.recycle(first);
  clock.advance(5_000);
  expect(newBlock(cache, 2).data!.bytes).not.toBe(bytes);
  expect(kept.data).not.toBe(null);
  cache.stop();
});
