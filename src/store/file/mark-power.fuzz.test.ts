/**
 * Marks and blocks on the simulated disk: after a power cut at any moment every block fits its marks, and no acknowledged record is cut off; after
 * damage to what the mark covers, it is called damaged. With each planted defect the test must fail, or it would prove nothing.
 */
import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import type { DiskFile } from "../../base/disk/disk.ts";
import { Random } from "../../base/random/random.ts";
import { HashKey } from "../block/hash-key.ts";
import { LengthsChecksum } from "../block/lengths-checksum.ts";
import { OpenFiles } from "../block/open-files.ts";
import { RecordFault } from "../block/record-format.ts";
import { RecordHasher } from "../block/record-hasher.ts";
import { type BlockScan, type Boundary, judgeBlock, ScanEnd, Verdict } from "./block-verdict.ts";
import { type BlockMark, MarkFile } from "./mark-file.ts";

type Bug = "none" | "marked before the sync" | "cut without a mark" | "replaced without a mark" | "replaced before the mark is durable";

const hasher = new RecordHasher(0);
const keyOf = (block: number) => HashKey.ofBlock("S", block);
const ZEROS_BYTES = 700;

/** A record of nats-server's format, see the record codec. */
function recordOf(block: number, sequence: number, payloadBytes: number): Buffer {
  const subject = `s.${sequence % 7}`;
  const record = Buffer.alloc(30 + subject.length + payloadBytes, sequence % 251);
  record.writeUInt32LE(record.length, 0);
  record.writeBigUInt64LE(BigInt(sequence), 4);
  record.writeBigUInt64LE(1_700_000_000n, 12);
  record.writeUInt16LE(subject.length, 20);
  record.write(subject, 22);
  hasher.sealRecordsOf(record, 0, record.length, keyOf(block));
  return record;
}

/** Reads a block from front to back. */
function scanOf(block: number, content: Buffer, marks: readonly BlockMark[]): BlockScan {
  const lengths = new LengthsChecksum();
  const boundaries: Boundary[] = [];
  let offset = 0;
  let stop = RecordFault.None;
  for (const to of [...new Set(marks.map(mark => mark.offset))].sort((a, b) => a - b).concat(content.length)) {
    if (to < offset || to > content.length) continue;
    offset = hasher.verifyRecords(content, offset, to, keyOf(block), lengths);
    stop = hasher.fault;
    if (offset === to)
      boundaries.push({ offset, lengthsHigh: lengths.high, lengthsLow: lengths.low, lastSequence: lastSequenceIn(content, offset) });
    else if (stop !== RecordFault.Cut) break;
  }
  const isZeros = stop === RecordFault.Zero && content.subarray(offset).every(byte => byte === 0);
  const end = stop === RecordFault.None ? ScanEnd.End : isZeros ? ScanEnd.Zeros : ScanEnd.Bad;
  return { offset, lastSequence: lastSequenceIn(content, offset), end, boundaries, hasErased: false };
}

function lastSequenceIn(content: Buffer, end: number): number {
  let last = 0;
  for (let at = 0; at < end; at += content.readUInt32LE(at)) last = Number(content.readBigUInt64LE(at + 4));
  return last;
}

interface Block {
  readonly index: number;
  file: DiskFile;
  records: { sequence: number; bytes: Buffer }[];
  /** Bytes of records, and how many of them were acknowledged. */
  end: number;
  durable: number;
}

class MarkedStore {
  readonly blocks: Block[] = [];
  readonly marks: MarkFile;
  private sequence = 0;

  constructor(
    private readonly disk: SimulatedDisk,
    private readonly random: Random,
    private readonly bug: Bug,
  ) {
    disk.makeDirectory("/msgs");
    disk.syncDirectoryNow("/");
    this.marks = new MarkFile(disk, new OpenFiles(disk, 8), "/msgs/durable.mark");
    disk.syncDirectoryNow("/msgs");
  }

  get active(): Block {
    return this.blocks.at(-1)!;
  }

  async roll(): Promise<void> {
    const previous = this.blocks.at(-1);
    if (previous !== undefined) await this.commit(true);
    const index = (previous?.index ?? 0) + 1;
    this.blocks.push({ index, file: this.disk.open(`/msgs/${index}.blk`, "create"), records: [], end: 0, durable: 0 });
    this.disk.syncDirectoryNow("/msgs");
    if (this.random.chance(0.5)) await this.active.file.extend(ZEROS_BYTES);
  }

  append(): void {
    const block = this.active;
    for (let count = this.random.between(1, 4); count > 0; count--) {
      const bytes = recordOf(block.index, ++this.sequence, this.random.below(300));
      block.file.writeAt(block.end, bytes);
      block.records.push({ sequence: this.sequence, bytes });
      block.end += bytes.length;
    }
  }

  async commit(isSealed = false): Promise<void> {
    const block = this.active;
    if (isSealed) block.file.truncate(block.end);
    if (this.bug === "marked before the sync") this.mark(block, isSealed);
    await block.file.sync();
    block.durable = block.end;
    if (this.bug !== "marked before the sync") this.mark(block, isSealed);
    if (this.random.chance(0.2)) await this.marks.sync();
  }

  /** Compaction: a sealed block without some of its records. */
  async replace(): Promise<void> {
    if (this.blocks.length < 2) return;
    const block = this.random.pick(this.blocks.slice(0, -1));
    if (block.records.length < 2) return;
    const records = block.records.filter((_, index) => index === block.records.length - 1 || this.random.chance(0.7));
    const content = Buffer.concat(records.map(({ bytes }) => bytes));
    const path = `/msgs/${block.index}.blk`;
    const file = this.disk.open(`${path}.tmp`, "replace");
    file.append(content);
    await file.sync();
    const marked = this.marks.replacing.bind(this.marks, block.index, content.length, lengthsOf(records), this.sequence);
    const isLate = this.bug === "replaced before the mark is durable";
    if (this.bug !== "replaced without a mark" && !isLate) await marked();
    // From now on either content may be found.
    block.durable = content.length;
    this.disk.rename(`${path}.tmp`, path);
    block.file.close();
    Object.assign(block, { file, records, end: content.length, durable: content.length });
    await this.disk.syncDirectory("/msgs");
    if (isLate) await marked();
  }

  async cut(): Promise<void> {
    const block = this.active;
    if (block.records.length < 2) return;
    await this.commit();
    block.records.length = this.random.between(1, block.records.length - 1);
    block.end = block.records.reduce((sum, { bytes }) => sum + bytes.length, 0);
    block.durable = block.end;
    this.sequence = block.records.at(-1)!.sequence;
    if (this.bug !== "cut without a mark") await this.marks.cutting(block.index, block.end, lengthsOf(block.records), this.sequence);
    block.file.truncate(block.end);
    await block.file.sync();
  }

  private mark(block: Block, isSealed: boolean): void {
    const lengths = lengthsOf(block.records);
    if (isSealed) this.marks.sealed(block.index, block.end, lengths, this.sequence);
    else this.marks.synced(block.index, block.end, lengths, this.sequence);
  }
}

function lengthsOf(records: readonly { bytes: Buffer }[]): LengthsChecksum {
  const lengths = new LengthsChecksum();
  for (const { bytes } of records) hasher.addLengths(lengths, bytes.readUInt32LE(0), bytes.readUInt16LE(20), 0);
  return lengths;
}

/** Works until the power fails. */
async function build(seed: number, bug: Bug): Promise<{ disk: SimulatedDisk; store: MarkedStore }> {
  const random = new Random(seed);
  const disk = new SimulatedDisk({ seed });
  const store = new MarkedStore(disk, random, bug);
  await store.roll();
  disk.cutPowerAt(random.between(10, 150));
  try {
    for (let left = random.between(3, 40); left > 0; left--) {
      const action = random.below(12);
      if (action < 5) store.append();
      else if (action < 8) await store.commit();
      else if (action === 8) await store.roll();
      else if (action < 11) await store.replace();
      else await store.cut();
    }
  } catch (error) {
    if ((error as Error).name !== "PowerFailed") throw error;
  }
  if (disk.boot === 0) disk.cutPower();
  disk.restart();
  return { disk, store };
}

/** @returns what is wrong after the start; empty: nothing */
function check(disk: SimulatedDisk, store: MarkedStore): string {
  const marks = new MarkFile(disk, new OpenFiles(disk, 8), "/msgs/durable.mark");
  for (const { index, durable } of store.blocks) {
    if (disk.status(`/msgs/${index}.blk`) === null) return durable === 0 ? "" : `block ${index} is gone`;
    const content = disk.readFile(`/msgs/${index}.blk`);
    const scan = scanOf(index, content, marks.marksOf(index));
    const { ignoresMarks, verdict, text } = judgeBlock(marks.marksOf(index), scan, marks.newestBlock > index);
    if (verdict === Verdict.Damaged) return `block ${index} counts as damaged: ${text}`;
    if (ignoresMarks) return `the marks of block ${index} do not fit it`;
    if (scan.offset < durable) return `block ${index} ends at ${scan.offset}, ${durable} bytes were acknowledged`;
  }
  marks.close();
  return "";
}

const ROUNDS = 250;
/** Rounds until a planted defect must have shown: some show in one of a hundred. */
const ROUNDS_WITH_DEFECT = 10_000;

test("fuzz: after a power cut every block fits its marks, and nothing acknowledged is cut off", async () => {
  const seed = seedFromEnv();
  for (let round = 0; round < ROUNDS; round++) {
    const { disk, store } = await build(seed + round, "none");
    expect(check(disk, store), `SEED=${seed + round}`).toBe("");
  }
});

for (const bug of [
  "marked before the sync",
  "cut without a mark",
  "replaced without a mark",
  "replaced before the mark is durable",
] as const) {
  test(`the test above notices a planted defect: ${bug}`, async () => {
    const seed = seedFromEnv();
    for (let round = 0; round < ROUNDS_WITH_DEFECT; round++) {
      const { disk, store } = await build(seed + round, bug);
      if (check(disk, store) !== "") return;
    }
    throw new Error(`SEED=${seed}: the defect was not noticed`);
  });
}

test("fuzz: every changed bit and every cut before the mark is damage", async () => {
  const seed = seedFromEnv();
  let checked = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(seed + round);
    const { disk } = await build(seed + round, "none");
    const marks = new MarkFile(disk, new OpenFiles(disk, 8), "/msgs/durable.mark");
    for (let block = 1; block <= marks.newestBlock; block++) {
      const found = marks.marksOf(block);
      if (found.length === 0) continue;
      const content = disk.readFile(`/msgs/${block}.blk`);
      const fitting = scanOf(block, content, found).boundaries.find(({ offset }) =>
        found.some(mark => mark.offset === offset && offset > 0),
      );
      if (fitting === undefined) continue;
      const damaged = Buffer.from(content);
      let cut = content.length;
      if (random.chance(0.5)) damaged[random.below(fitting.offset)] ^= 1 << random.below(8);
      else cut = random.below(fitting.offset);
      const part = damaged.subarray(0, cut);
      // An older alternative of a block that was being replaced may still fit.
      const fits = found.slice(0, -1).some(({ offset }) => offset <= cut && offset < fitting.offset);
      const { verdict } = judgeBlock(found, scanOf(block, part, found), marks.newestBlock > block);
      if (!fits) expect(Verdict[verdict], `SEED=${seed + round} block ${block}`).toBe("Damaged");
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(ROUNDS / 4);
});
