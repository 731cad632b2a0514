/**
 * The marks of a store: how much of each block was durable. They lie beside the blocks, in `msgs/durable.mark`.
 *
 *   0     slot A ─┐ written in turn after each sync of the active block, one write of 64 bytes
 *   512   slot B ─┘ in another sector, so that a write that is torn leaves the other one
 *   1024  entries, appended: a block was sealed, rewritten or cut; one that is torn is skipped
 *   each  magic, version, kind | counter | block | offset | checksum of the length words | last sequence | CRC-32C, little endian
 * Why: the records of nats-server's format do not show every damage. A cut at the end of a record looks like a block that was never longer, and the
 * lengths in a record are not covered by its checksum. And a bad record at the end of a block can be a write that the power cut off, which was never
 * acknowledged, or damage to something that was: only the mark tells them apart. `block-verdict.ts` decides.
 *
 * A mark is written after the sync that it describes, so what it says is true whenever it reaches the disk. It is not synced itself: that would cost
 * as much as the sync of the messages. So after a power cut an older mark may be found. It proves less, never something wrong: records after it are
 * still there and are read; only damage to them, in the same power cut, would look like a torn tail. After the end of the process alone the mark is
 * exact, because the system keeps what was written. `sync` is called now and then in the background, and at a clean stop.
 *
 * What makes a mark wrong is a block that gets shorter or other records. So before a block is replaced (compaction, erasing) `replacing` makes a mark
 * of its new content durable, and until the next mark either content is right. Before the store is cut, `cutting` makes a mark durable that voids
 * those before it, of this block and later ones. If the file cannot take such a mark, for example because the disk is full, it is removed: without
 * marks a store is as nats-server would see it. A full purge replaces the directory, and so begins without marks. nats-server ignores the file;
 * blocks that it rewrote do not fit their marks.
 */
import { dirname } from "node:path";
import { assert } from "../../base/assert/assert.ts";
import { crc32c } from "../../base/compression/crc32c.ts";
import type { Disk, DiskFile } from "../../base/disk/disk.ts";
import type { BlockFile, OpenFiles } from "../block/open-files.ts";

export const MARK_FILE = "durable.mark";

/** What is durable of one block, in its decrypted, decompressed form. */
export interface BlockMark {
  readonly block: number;
  /** Bytes of whole records from the beginning. */
  readonly offset: number;
  /** Checksum of the length words of these records, see `LengthsChecksum`. */
  readonly lengthsHigh: number;
  readonly lengthsLow: number;
  /** The last sequence that was used when these records were durable. It and those before it are never used again. */
  readonly lastSequence: number;
}

enum MarkKind {
  /** Of a slot: the active block after a sync. */
  Active = 1,
  /** The block is complete. */
  Sealed,
  /** The block will have this content, or still has the one before. */
  Replacing,
  /** The store will be cut within this block: earlier marks of it and of later ones are void. */
  Cutting,
}

/** The newest mark of a block, changed in place. */
class CurrentMark implements BlockMark {
  offset = 0;
  lengthsHigh = 0;
  lengthsLow = 0;
  lastSequence = 0;

  constructor(readonly block: number) {}

  set(offset: number, lengths: Lengths, lastSequence: number): this {
    this.offset = offset;
    this.lengthsHigh = lengths.high;
    this.lengthsLow = lengths.low;
    this.lastSequence = lastSequence;
    return this;
  }
}

interface Lengths {
  readonly high: number;
  readonly low: number;
}

interface Entry {
  readonly kind: MarkKind;
  readonly counter: number;
  readonly mark: CurrentMark;
}

const MAGIC = 0x4b4d4e42;
const VERSION = 1;
const ENTRY_BYTES = 64;
const SLOT_DISTANCE = 512;
const ENTRIES_AT = 1024;
const TWO_32 = 2 ** 32;
/** Entries that do not count any more, besides one per block, before the file is written anew. */
const WASTE_MAX = 256;
/** A larger file is damaged or not ours; what is beyond is ignored. */
const READ_BYTES_MAX = 64 * 1024 * 1024;

/** Byte offsets in an entry. The rest is zeros. Numbers above 32 bits have their low half first. */
const At = { magic: 0, version: 4, kind: 5, counter: 8, block: 16, offset: 20, lengths: 24, lastSequence: 32, sum: 60 } as const;

export class MarkFile {
  private readonly buffer = new Uint8Array(ENTRY_BYTES);
  private readonly view = new DataView(this.buffer.buffer);
  /** The marks of each block that count, oldest first; several while a replacement may be under way. */
  private readonly marks = new Map<number, CurrentMark[]>();
  /** null: the file was removed, because it could not be written. */
  private file: BlockFile | null;
  /** The first error of a write or sync. Marks are only an addition: the store goes on. */
  private failure: Error | null = null;
  /** The file was there: this server has written the blocks. */
  readonly existed: boolean;
  private counter = 0;
  private slot = 0;
  private end = ENTRIES_AT;
  private entries = 0;
  private highest = 0;
  private rewriting: Promise<void> | null = null;
  /** Something was written since the last sync. */
  private isDirty = false;

  /**
   * Opens or creates the file. Damaged parts are ignored, and so are entries of a later version.
   * @param path in the directory of the blocks
   */
  constructor(
    private readonly disk: Disk,
    private readonly files: OpenFiles,
    private readonly path: string,
  ) {
    this.existed = disk.status(path) !== null;
    this.file = files.fileAt(path);
    const opened = this.file.open();
    for (const entry of readEntries(opened)) {
      this.counter = entry.counter;
      this.apply(entry.kind, entry.mark);
    }
    this.entries = Math.max(0, Math.ceil((opened.size - ENTRIES_AT) / ENTRY_BYTES));
    this.end = ENTRIES_AT + this.entries * ENTRY_BYTES;
  }

  /** The last sequence of all marks: the store had come at least this far, whatever is left of its blocks. 0: there is no mark. */
  get lastSequence(): number {
    return this.highest;
  }

  /** The highest block that has a mark: everything in the blocks before it was durable. 0: none has. */
  get newestBlock(): number {
    let newest = 0;
    for (const block of this.marks.keys()) newest = Math.max(newest, block);
    return newest;
  }

  /** The marks of a block, oldest first. A whole block fits one of them. Live: read them before the next change. */
  marksOf(block: number): readonly BlockMark[] {
    return this.marks.get(block) ?? [];
  }

  /**
   * Everything in this block up to `offset`, and everything in earlier blocks, is durable: called when the line's `durable` has risen, for the block
   * that holds that change. Allocates nothing, except for a new block. Not synced.
   */
  synced(block: number, offset: number, lengths: Lengths, lastSequence: number): void {
    this.slot = SLOT_DISTANCE - this.slot;
    this.write(this.slot, MarkKind.Active, block, offset, lengths, lastSequence);
  }

  /** The same for a block that gets no more records. Not synced. */
  sealed(block: number, offset: number, lengths: Lengths, lastSequence: number): void {
    this.append(MarkKind.Sealed, block, offset, lengths, lastSequence);
  }

  /** Resolves when the block may be replaced, by a rename, with one of this content. @throws the disk's error; the block must stay as it is */
  async replacing(block: number, offset: number, lengths: Lengths, lastSequence: number): Promise<void> {
    this.append(MarkKind.Replacing, block, offset, lengths, lastSequence);
    await this.makeDurable();
  }

  /** Resolves when the store may be cut to this size of this block. @throws the disk's error; the store must stay as it is */
  async cutting(block: number, offset: number, lengths: Lengths, lastSequence: number): Promise<void> {
    this.append(MarkKind.Cutting, block, offset, lengths, lastSequence);
    await this.makeDurable();
  }

  /** The block is gone. */
  forget(block: number): void {
    this.marks.delete(block);
  }

  /** Makes the marks durable, as far as that is possible: an error is kept until it matters. */
  async sync(): Promise<void> {
    const { failure, file } = this;
    if (file === null || failure !== null || !this.isDirty) return;
    this.isDirty = false;
    try {
      await file.during(file.open().sync());
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  /** Whether enough entries no longer count that `rewrite` pays. */
  get needsRewrite(): boolean {
    return this.rewriting === null && this.file !== null && this.entries > 2 * this.marks.size + WASTE_MAX;
  }

  /** Writes the file anew with the marks that count, atomically. Marks may be written meanwhile. */
  async rewrite(): Promise<void> {
    assert(this.rewriting === null, "a file of marks is rewritten once at a time", this.path);
    this.rewriting = this.replaceFile();
    await this.rewriting;
    this.rewriting = null;
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  private async replaceFile(): Promise<void> {
    const { file: old, highest, marks, path } = this;
    if (old === null) return;
    try {
      const replacement = this.files.fileAt(`${path}.tmp`);
      replacement.open().truncate(0);
      this.file = replacement;
      this.end = ENTRIES_AT;
      this.entries = 0;
      for (const [block, kept] of [...marks]) {
        // The first one replaces what a reader knows of the block, the others are alternatives.
        for (const [index, mark] of [...kept].entries()) {
          const kind = index === 0 ? MarkKind.Sealed : MarkKind.Replacing;
          this.append(kind, block, mark.offset, { high: mark.lengthsHigh, low: mark.lengthsLow }, mark.lastSequence);
        }
      }
      // How far the store had come is known even when that block is gone.
      this.append(MarkKind.Sealed, 0, 0, { high: 0, low: 0 }, highest);
      await this.sync();
      if (this.failure !== null) return;
      this.disk.rename(`${path}.tmp`, path);
      replacement.close();
      this.file = this.files.fileAt(path);
      await this.disk.syncDirectory(dirname(path));
    } catch (error) {
      this.failure ??= error as Error;
    } finally {
      old.close();
    }
  }

  /** Marks that must not be missing: without them the file must not be there at all. */
  private async makeDurable(): Promise<void> {
    await this.sync();
    await this.rewriting;
    if (this.failure === null || this.file === null) return;
    this.file.close();
    this.file = null;
    this.disk.unlink(this.path);
    await this.disk.syncDirectory(dirname(this.path));
    this.marks.clear();
  }

  private append(kind: MarkKind, block: number, offset: number, lengths: Lengths, lastSequence: number): void {
    this.write(this.end, kind, block, offset, lengths, lastSequence);
    this.end += ENTRY_BYTES;
    this.entries++;
  }

  private write(position: number, kind: MarkKind, block: number, offset: number, lengths: Lengths, lastSequence: number): void {
    const { buffer, file, view } = this;
    if (file === null) return;
    this.remember(kind, block, offset, lengths, lastSequence);
    view.setUint32(At.magic, MAGIC, true);
    view.setUint8(At.version, VERSION);
    view.setUint8(At.kind, kind);
    setNumber(view, At.counter, ++this.counter);
    view.setUint32(At.block, block, true);
    view.setUint32(At.offset, offset, true);
    view.setUint32(At.lengths, lengths.low, true);
    view.setUint32(At.lengths + 4, lengths.high, true);
    setNumber(view, At.lastSequence, lastSequence);
    view.setUint32(At.sum, crc32c(buffer.subarray(0, At.sum)), true);
    try {
      file.open().writeAt(position, buffer);
      this.isDirty = true;
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  private remember(kind: MarkKind, block: number, offset: number, lengths: Lengths, lastSequence: number): void {
    const known = this.marks.get(block);
    if (kind === MarkKind.Active && known?.length === 1) {
      known[0].set(offset, lengths, lastSequence);
      this.highest = Math.max(this.highest, lastSequence);
      return;
    }
    this.apply(kind, new CurrentMark(block).set(offset, lengths, lastSequence));
  }

  private apply(kind: MarkKind, mark: CurrentMark): void {
    const { marks } = this;
    if (kind === MarkKind.Cutting) {
      for (const block of [...marks.keys()]) if (block >= mark.block || block === 0) marks.delete(block);
      this.highest = mark.lastSequence;
    }
    const known = marks.get(mark.block);
    // Without the mark of the content before, it says nothing: the power may have failed before both were durable, and so before the replacement.
    if (kind === MarkKind.Replacing) known?.push(mark);
    else if (mark.block > 0) marks.set(mark.block, [mark]);
    this.highest = Math.max(this.highest, mark.lastSequence);
  }
}

/** @returns the entries whose checksum is right, in the order in which they were written */
function readEntries(file: DiskFile): Entry[] {
  const bytes = Buffer.alloc(Math.min(file.size, READ_BYTES_MAX));
  file.readAt(0, bytes);
  const entries: Entry[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const take = (at: number) => {
    const entry = at + ENTRY_BYTES <= bytes.length ? entryAt(bytes, view, at) : null;
    if (entry !== null) entries.push(entry);
  };
  take(0);
  take(SLOT_DISTANCE);
  for (let at = ENTRIES_AT; at < bytes.length; at += ENTRY_BYTES) take(at);
  return entries.sort((a, b) => a.counter - b.counter);
}

function entryAt(bytes: Buffer, view: DataView, at: number): Entry | null {
  if (view.getUint32(at + At.magic, true) !== MAGIC || view.getUint8(at + At.version) !== VERSION) return null;
  if (view.getUint32(at + At.sum, true) !== crc32c(bytes.subarray(at, at + At.sum))) return null;
  const lengths = { low: view.getUint32(at + At.lengths, true), high: view.getUint32(at + At.lengths + 4, true) };
  const mark = new CurrentMark(view.getUint32(at + At.block, true));
  mark.set(view.getUint32(at + At.offset, true), lengths, getNumber(view, at + At.lastSequence));
  return { kind: view.getUint8(at + At.kind), counter: getNumber(view, at + At.counter), mark };
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function getNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}
