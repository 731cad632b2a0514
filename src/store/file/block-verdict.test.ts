import { describe, expect, test } from "bun:test";
import { type BlockScan, judgeBlock, ScanEnd, Verdict } from "./block-verdict.ts";
import type { BlockMark } from "./mark-file.ts";

const mark = (offset: number, lastSequence: number, sum = offset): BlockMark => ({
  block: 1,
  offset,
  lengthsHigh: sum,
  lengthsLow: 1,
  lastSequence,
});
const boundary = (offset: number, lastSequence: number, sum = offset) => ({ offset, lengthsHigh: sum, lengthsLow: 1, lastSequence });
/** A scan that stopped at 100, sequence 10. */
const scan = (end: ScanEnd, changes: Partial<BlockScan> = {}): BlockScan => ({
  offset: 100,
  lastSequence: 10,
  end,
  boundaries: [],
  hasErased: false,
  ...changes,
});
const { End, Zeros, Bad } = ScanEnd;
const { Whole, TornTail, Damaged } = Verdict;

type Row = [
  name: string,
  marks: BlockMark[],
  scan: BlockScan,
  isFollowed: boolean,
  verdict: Verdict,
  text: string,
  lost: [number, number],
  ignores: boolean,
];
const AT_100 = { boundaries: [boundary(100, 10)] };
const AT_80 = { boundaries: [boundary(80, 8)] };
const readable = (durable: number) => `it is readable up to 100, but ${durable} bytes were durable`;

const ROWS: Row[] = [
  ["fits, the file ends", [mark(100, 10)], scan(End, AT_100), true, Whole, "", [0, 0], false],
  ["fits, records after the mark", [mark(80, 8)], scan(End, AT_80), false, Whole, "", [0, 0], false],
  ["fits, zeros follow", [mark(80, 8)], scan(Zeros, AT_80), false, Whole, "", [0, 0], false],
  ["fits, a bad record after the mark, last block", [mark(80, 8)], scan(Bad, AT_80), false, TornTail, "", [0, 0], false],
  [
    "fits, a bad record after the mark, a later block is durable",
    [mark(80, 8)],
    scan(Bad, AT_80),
    true,
    Damaged,
    "a record at 100 is bad",
    [0, 0],
    false,
  ],
  ["a bad record before the mark", [mark(120, 12)], scan(Bad), false, Damaged, readable(120), [11, 12], false],
  ["zeros before the mark", [mark(120, 12)], scan(Zeros), false, Damaged, readable(120), [11, 12], false],
  ["a file that ends before the mark", [mark(120, 12)], scan(End), false, Damaged, readable(120), [11, 12], false],
  ["tombstones are missing: no sequence is known to be lost", [mark(120, 10)], scan(Bad), false, Damaged, readable(120), [0, 0], false],
  [
    "a length has changed",
    [mark(80, 8)],
    scan(End, { boundaries: [boundary(80, 8, 81)] }),
    false,
    Damaged,
    "the lengths in a record have changed",
    [0, 0],
    false,
  ],
  [
    "erased by nats-server",
    [mark(80, 8)],
    scan(End, { boundaries: [boundary(80, 8, 81)], hasErased: true }),
    false,
    Whole,
    "",
    [0, 0],
    true,
  ],
  ["compacted by nats-server", [mark(120, 10)], scan(End), true, Whole, "", [0, 0], true],
  ["compacted by nats-server and written on", [mark(80, 8)], scan(End), false, Whole, "", [0, 0], true],
  ["compacted by nats-server and torn", [mark(80, 8)], scan(Bad), false, TornTail, "", [0, 0], true],
  ["replaced or not: the old content", [mark(100, 10), mark(40, 10)], scan(End, AT_100), true, Whole, "", [0, 0], false],
  ["replaced or not: the new content", [mark(200, 10), mark(100, 10)], scan(End, AT_100), true, Whole, "", [0, 0], false],
  [
    "replaced or not: damaged beyond the new content",
    [mark(200, 10), mark(40, 10)],
    scan(Bad),
    true,
    Damaged,
    readable(200),
    [0, 0],
    false,
  ],
  ["no mark, the file ends", [], scan(End), true, Whole, "", [0, 0], false],
  ["no mark, zeros follow", [], scan(Zeros), false, Whole, "", [0, 0], false],
  ["no mark, a bad record, last block", [], scan(Bad), false, TornTail, "", [0, 0], false],
  ["no mark, a bad record, a later block is durable", [], scan(Bad), true, Damaged, "a record at 100 is bad", [0, 0], false],
];

describe("what was found selects one verdict", () => {
  test.each(ROWS)("%s", (_, marks, found, isFollowed, verdict, text, [lostFrom, lostTo], ignoresMarks) => {
    expect(judgeBlock(marks, found, isFollowed)).toEqual({ verdict, text, lostFrom, lostTo, ignoresMarks });
  });
});
