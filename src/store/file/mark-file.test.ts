import { describe, expect, test } from "bun:test";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { OpenFiles } from "../block/open-files.ts";
import { type BlockMark, MarkFile } from "./mark-file.ts";

const lengths = (value: number) => ({ high: (value + 0x8000_0000) >>> 0, low: value });
const mark = (block: number, offset: number, lastSequence: number) => ({
  block,
  offset,
  lengthsHigh: (offset + 0x8000_0000) >>> 0,
  lengthsLow: offset,
  lastSequence,
});
const plain = (marks: readonly BlockMark[]) => marks.map(each => ({ ...each }));

function setUp() {
  const disk = new SimulatedDisk({ seed: 1 });
  disk.makeDirectory("/msgs");
  const open = () => new MarkFile(disk, new OpenFiles(disk, 8), "/msgs/durable.mark");
  return { disk, open, marks: open() };
}

test("marks are found again: the newest of each block, numbers of 53 bits, and how far the store had come", () => {
  const { open, marks } = setUp();
  marks.sealed(1, 100, lengths(100), 10);
  for (let offset = 1; offset <= 50; offset++) marks.synced(2, offset, lengths(offset), 10 + offset);
  marks.sealed(2, 60, lengths(60), 70);
  marks.synced(3, 4_000_000_000, lengths(4_000_000_000), 2 ** 53 - 2);
  for (const found of [marks, open()]) {
    expect([1, 2, 3, 4].map(block => plain(found.marksOf(block)))).toEqual([
      [mark(1, 100, 10)],
      [mark(2, 60, 70)],
      [
        {
          block: 3,
          offset: 4_000_000_000,
          lengthsHigh: (4_000_000_000 + 0x8000_0000) >>> 0,
          lengthsLow: 4_000_000_000,
          lastSequence: 2 ** 53 - 2,
        },
      ],
      [],
    ]);
    expect([found.lastSequence, found.newestBlock]).toEqual([2 ** 53 - 2, 3]);
  }
});

test("an empty or missing file has no marks", () => {
  const { marks } = setUp();
  expect([marks.lastSequence, marks.newestBlock, marks.marksOf(1)]).toEqual([0, 0, []]);
});

test("any change of the newest slot leaves the mark before it, and its number is not used again", () => {
  const { disk, open, marks } = setUp();
  marks.synced(1, 10, lengths(10), 1);
  marks.synced(1, 20, lengths(20), 2);
  marks.synced(1, 30, lengths(30), 3);
  const content = disk.readFile("/msgs/durable.mark");
  for (let at = 512; at < 576; at++) {
    const changed = Buffer.from(content);
    changed[at] ^= 1 << (at % 8);
    disk.writeFile("/msgs/durable.mark", changed);
    const found = open();
    expect(plain(found.marksOf(1)), `byte ${at}`).toEqual([mark(1, 20, 2)]);
    found.close();
  }
  const found = open();
  found.synced(1, 25, lengths(25), 3);
  expect(plain(open().marksOf(1))).toEqual([mark(1, 25, 3)]);
});

test("damaged entries are skipped, and a cut file gives what is left; more can be appended", () => {
  const { disk, open, marks } = setUp();
  for (const block of [1, 2, 3]) marks.sealed(block, 10 * block, lengths(10 * block), block);
  marks.synced(4, 5, lengths(5), 9);
  const content = disk.readFile("/msgs/durable.mark");
  content[1024 + 64 + 20] ^= 1;
  disk.writeFile("/msgs/durable.mark", content);
  expect([1, 2, 3, 4].map(block => open().marksOf(block).length)).toEqual([1, 0, 1, 1]);
  for (let size = 0; size <= content.length; size++) {
    disk.writeFile("/msgs/durable.mark", content.subarray(0, size));
    const found = open();
    found.sealed(7, 70, lengths(70), 70);
    found.synced(8, 80, lengths(80), 80);
    found.close();
    const again = open();
    expect([again.marksOf(7).length, again.marksOf(8).length, again.marksOf(1).length], `size ${size}`).toEqual([
      1,
      1,
      size >= 1088 ? 1 : 0,
    ]);
    again.close();
  }
});

test("a block that may have been replaced has two marks, until the next one", async () => {
  const { open, marks } = setUp();
  marks.sealed(1, 100, lengths(100), 10);
  await marks.replacing(1, 40, lengths(40), 10);
  expect(plain(open().marksOf(1))).toEqual([mark(1, 100, 10), mark(1, 40, 10)]);
  marks.synced(1, 50, lengths(50), 12);
  expect(plain(open().marksOf(1))).toEqual([mark(1, 50, 12)]);
  await marks.replacing(2, 40, lengths(40), 20);
  expect(plain(open().marksOf(2))).toEqual([]);
});

test("a cut voids the marks of its block and of later ones, and takes the last sequence back", async () => {
  const { open, marks } = setUp();
  for (const block of [1, 2, 3]) marks.sealed(block, 100, lengths(100), 10 * block);
  marks.synced(4, 100, lengths(100), 40);
  await marks.cutting(2, 50, lengths(50), 15);
  for (const found of [marks, open()]) {
    expect([1, 2, 3, 4].map(block => plain(found.marksOf(block)))).toEqual([[mark(1, 100, 10)], [mark(2, 50, 15)], [], []]);
    expect([found.lastSequence, found.newestBlock]).toEqual([15, 2]);
  }
});

describe("rewriting", () => {
  test("keeps what counts, forgets blocks that are gone, and still knows how far the store had come", async () => {
    const { disk, open, marks } = setUp();
    for (let block = 1; block <= 400; block++) marks.sealed(block, block, lengths(block), block);
    expect(marks.needsRewrite).toBe(false);
    for (let block = 1; block <= 390; block++) marks.forget(block);
    marks.synced(400, 1, lengths(1), 500);
    marks.forget(400);
    await marks.replacing(395, 3, lengths(3), 395);
    expect(marks.needsRewrite).toBe(true);
    const rewriting = marks.rewrite();
    marks.synced(401, 7, lengths(7), 450);
    await rewriting;
    expect(marks.needsRewrite).toBe(false);
    expect(disk.list("/msgs").map(({ name }) => name)).toEqual(["durable.mark"]);
    expect(disk.status("/msgs/durable.mark")!.size).toBe(1024 + 64 * 11);
    marks.sealed(401, 8, lengths(8), 451);
    for (const found of [marks, open()]) {
      expect([390, 391, 395, 400, 401].map(block => found.marksOf(block).map(({ offset }) => offset))).toEqual([
        [],
        [391],
        [395, 3],
        [],
        [8],
      ]);
      expect([found.lastSequence, found.newestBlock]).toEqual([500, 401]);
    }
  });

  test("a cut during it waits until the new file is in place", async () => {
    for (let seed = 0; seed < 25; seed++) {
      const disk = new SimulatedDisk({ seed });
      disk.makeDirectory("/msgs");
      const marks = new MarkFile(disk, new OpenFiles(disk, 8), "/msgs/durable.mark");
      for (let block = 1; block <= 300; block++) marks.sealed(block, 100, lengths(100), block);
      await marks.sync();
      disk.syncDirectoryNow("/");
      disk.syncDirectoryNow("/msgs");
      void marks.rewrite();
      await marks.cutting(7, 50, lengths(50), 7);
      disk.cutPower();
      disk.restart();
      const found = new MarkFile(disk, new OpenFiles(disk, 8), "/msgs/durable.mark");
      expect([plain(found.marksOf(7)), found.newestBlock], `seed ${seed}`).toEqual([[mark(7, 50, 7)], 7]);
    }
  });
});

describe("a file that cannot be written", () => {
  test("does not stop the store, and is removed before it would be wrong", async () => {
    for (const [operation, code] of [
      ["write", "ENOSPC"],
      ["sync", "EIO"],
    ] as const) {
      const { disk, open, marks } = setUp();
      marks.sealed(1, 100, lengths(100), 10);
      disk.failAt(operation, 1, code);
      marks.synced(2, 10, lengths(10), 11);
      await marks.sync();
      await marks.cutting(1, 50, lengths(50), 5);
      expect(disk.list("/msgs")).toEqual([]);
      marks.synced(2, 10, lengths(10), 11);
      marks.sealed(2, 10, lengths(10), 11);
      await marks.sync();
      await marks.replacing(2, 10, lengths(10), 11);
      expect([marks.needsRewrite, disk.list("/msgs").length]).toEqual([false, 0]);
      marks.close();
      expect(open().lastSequence).toBe(0);
    }
  });

  test("keeps the store from cutting if it cannot be removed either", async () => {
    const { disk, marks } = setUp();
    marks.sealed(1, 100, lengths(100), 10);
    disk.failAt("sync", 1, "EIO");
    disk.failAt("unlink", 1, "EROFS");
    expect(await marks.cutting(1, 50, lengths(50), 5).catch(error => error.code)).toBe("EROFS");
  });
});
