/**
 * The block that is written: encodes records, writes them once per turn, and begins a new block when it is full.
 *
 *   append ─▶ staging region (memory of the checksum kernel) ─ write: checksums, one write ─▶ file ─ commit ─▶ durable
 *                                                                   └▶ copied to the block's content in memory
 *   file:   records │ staged │ zeros written in advance …            so that a sync need not record a new size
 * The zeros are cut off when the block is sealed, and when the store is closed. After a crash they mark the end of the records.
 *
 * Positions are numbers of changes, as in store/commit. A record belongs to the change that is being made: the one after `applied`.
 *
 * A full disk: the shared reserve is given up, and the write is tried again. If that is not enough, the records are held in memory, and with them
 * their changes: they are not durable until `retry` has written them.
 */

import { Block } from "../block/block.ts";
import type { BlockCipher } from "../block/encryption.ts";
import { HashKey } from "../block/hash-key.ts";
import { LengthsChecksum } from "../block/lengths-checksum.ts";
import type { BlockFile } from "../block/open-files.ts";
import { RECORD_BYTES_MIN } from "../block/record-format.ts";
import { RecordView } from "../block/record-view.ts";
import { RecordWriter } from "../block/record-writer.ts";
import { ARENA_FULL, StagedRecords, WRITE_FIRST } from "../block/staged-records.ts";
import { STAGED_RECORD_BYTES_MAX } from "../block/staging-arena.ts";
import type { CommitFile } from "../commit/commit-file.ts";
import type { CommitLine } from "../commit/commit-line.ts";
import type { Message } from "../contract/message.ts";
import type { BlockFiles } from "./block-files.ts";
import { isNoSpace } from "./space-reserve.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

/** Zeros that are written in advance: as much as the block has, within these bounds. */
const AHEAD_BYTES_MIN = 32 * 1024;
const AHEAD_BYTES_MAX = 1024 * 1024;
/** Larger writes, on average, are synced without zeros: they gain little, and the disk would have to write twice as much. */
const WRITE_BYTES_MAX = 96 * 1024;
/** A block spans at most this many sequences without messages, as what is kept in memory per block has a place for each. Source: formats.md §10.3. */
const BLOCK_GAPS_MAX = 65_536;
const CHECKSUM_BYTES = 8;
/** Instead of an address. */
const UNSTAGED = -1;

/** The store, as its active block needs it. */
export interface BlockOwner {
  /** Position of the change that is being made. */
  readonly position: number;
  readonly line: CommitLine;
  readonly files: BlockFiles;
  /** Of the next block: above those of all blocks that are or were there, as files of removed ones may still be removed. */
  readonly nextNumber: number;
  /** A new block follows the others. */
  onBlockAdded(block: Block): void;
  /** Its last record was written; it gets no more. @param lengths of its records @param lastChange that has a record in it */
  onBlockSealed(block: Block, lengths: LengthsChecksum, lastChange: number): void;
  /** The disk is full. */
  onNoSpace(): void;
  /** A write failed for another reason. */
  onFailure(error: Error): void;
}

/** Records that the full disk did not take. */
interface HeldRecords {
  /** Their position in the file. */
  readonly offset: number;
  /** The changes that they belong to. */
  readonly first: number;
  last: number;
  readonly pieces: Buffer[];
}

export class ActiveBlock {
  private readonly parts: StoreParts;
  private readonly options: StoreOptions;
  private readonly owner: BlockOwner;
  private readonly directoryCommit: CommitFile;
  block: Block;
  private file: BlockFile;
  private commit: CommitFile;
  private key: HashKey;
  /** null: the block is not encrypted. */
  private cipher: BlockCipher | null;
  /** The block's file was created, and has no record: nothing depends on its entry in the directory. */
  private isNew = false;
  private readonly staged: StagedRecords;
  /** Positions of the first and the last change in the staging region. */
  private firstStaged = 0;
  /** 0: none has a record since the store was opened. */
  lastPosition = 0;
  /** Size of a write, an average of the last ones. */
  private writeBytesMean = 0;
  /** Zeros are being written in advance. */
  private extending: Promise<void> | null = null;
  /** Running checksum of the length words of the records that are written. */
  readonly lengths = new LengthsChecksum();
  /** Records that are only in memory, because the disk is full. */
  held: HeldRecords | null = null;
  /** The first change with a record that could not be written; 0: none. */
  private failedFrom = 0;
  private readonly view = new RecordView();

  /** @param block the last block of the store; its records are in the file, and nothing else @param lengths of these records; null: there are none */
  constructor(parts: StoreParts, options: StoreOptions, owner: BlockOwner, block: Block, lengths: LengthsChecksum | null) {
    this.parts = parts;
    this.options = options;
    this.owner = owner;
    const messages = `${options.directory}/msgs`;
    this.directoryCommit = owner.line.open({ sync: () => parts.disk.syncDirectory(messages) });
    this.staged = new StagedRecords(parts.staging);
    this.block = block;
    this.file = parts.files.fileAt(block.path);
    this.commit = owner.line.open(this.file);
    this.key = HashKey.ofBlock(options.name, block.index);
    this.cipher = owner.files.cipherOf(block);
    this.isNew = block.size === 0;
    if (lengths !== null) this.lengths.copy(lengths);
  }

  /** Whether a record fits into what is reserved on the disk: asked when the disk is full. */
  hasReserved(size: number): boolean {
    return this.held === null && this.block.size + size <= this.file.open().size;
  }

  /** Some records are only in memory, because the disk is full. */
  get isHolding(): boolean {
    return this.held !== null;
  }

  /** @returns offset of the record in its block */
  appendMessage(message: Message, size: number): number {
    const address = this.place(size);
    const { block } = this;
    const offset = block.size;
    block.addRecord(message.sequence, size, message.timeHigh, message.timeLow);
    if (address === UNSTAGED) this.writeAlone(size, writer => writer.message(0, message));
    else {
      this.parts.staging.writer.message(address, message);
      this.staged.added(size);
    }
    return offset;
  }

  /** The sequences up to this one hold no message. */
  appendGap(sequence: number, timeHigh: number, timeLow: number): void {
    const { block } = this;
    if (block.messages > 0 && sequence - block.firstSequence - block.messages > BLOCK_GAPS_MAX) this.roll();
    const address = this.place(RECORD_BYTES_MIN);
    this.block.addRecord(sequence, RECORD_BYTES_MIN, timeHigh, timeLow);
    if (address === UNSTAGED) return this.writeAlone(RECORD_BYTES_MIN, writer => writer.gap(0, sequence, timeHigh, timeLow));
    this.parts.staging.writer.gap(address, sequence, timeHigh, timeLow);
    this.staged.added(RECORD_BYTES_MIN);
  }

  /** Records that a message was deleted. @param timeHigh, @param timeLow of that message */
  appendTombstone(sequence: number, timeHigh: number, timeLow: number): void {
    const address = this.place(RECORD_BYTES_MIN);
    this.block.size += RECORD_BYTES_MIN;
    this.block.tombstones++;
    if (address === UNSTAGED) return this.writeAlone(RECORD_BYTES_MIN, writer => writer.tombstone(0, sequence, timeHigh, timeLow));
    this.parts.staging.writer.tombstone(address, sequence, timeHigh, timeLow);
    this.staged.added(RECORD_BYTES_MIN);
  }

  /** Writes what is staged to the operating system, and asks for a sync. Errors are reported to the owner. */
  write(): void {
    const { block, staged } = this;
    const { size } = staged;
    if (size === 0) return;
    staged.seal(this.key, this.lengths);
    this.writeBytes(this.parts.hasher.bytes, staged.start, staged.end, block.size - size);
    staged.clear();
    this.noteStaged();
  }

  /** Tries to write the records that are held. @returns whether none is held */
  retry(): boolean {
    const { block, held } = this;
    if (held === null) return true;
    const bytes = Buffer.concat(held.pieces);
    try {
      this.parts.codec.write(this.file, held.offset, bytes, 0, bytes.length, this.cipher);
    } catch (error) {
      if (!isNoSpace(error)) this.fail(error as Error, held.first);
      return false;
    }
    this.held = null;
    this.noteStaged();
    if (!block.removed) this.written(held.first, held.last, bytes.length);
    return true;
  }

  /** A write failed: no change from this one on becomes durable. */
  private fail(error: Error, first: number): void {
    if (this.failedFrom === 0) this.failedFrom = first;
    this.noteStaged();
    this.owner.onFailure(error);
  }

  /** Tells the line which changes have records that are in memory only. */
  private noteStaged(): void {
    const { failedFrom, firstStaged, held, owner, staged } = this;
    if (failedFrom !== 0) owner.line.stagedFrom = failedFrom;
    else if (held !== null) owner.line.stagedFrom = held.first;
    else owner.line.stagedFrom = staged.size > 0 ? firstStaged : 0;
  }

  /** Begins a new block, although the current one is not full. Records that are held are lost, unless their block is removed: see `isHolding`. */
  roll(): void {
    const { block, owner } = this;
    this.write();
    this.seal();
    owner.onBlockSealed(block, this.lengths, this.lastPosition);
    const index = owner.nextNumber;
    this.open(new Block(index, owner.files.pathOf(index)));
  }

  /** Cuts off the zeros behind the records; the caller syncs. */
  async trim(): Promise<void> {
    await this.extending;
    const file = this.file.open();
    if (!this.block.compressed && file.size > this.block.size) file.truncate(this.block.size);
  }

  /** Makes what was written durable, also a new size. */
  sync(): Promise<void> {
    return this.file.sync();
  }

  /** Drops what is staged, and closes the file. */
  close(): void {
    this.staged.clear();
    this.held = null;
    this.file.close();
  }

  /** Makes room for a record, in another block if this one is full. @returns its address in staging; `UNSTAGED`: it must be written alone */
  private place(size: number): number {
    const { block, options, owner, staged } = this;
    if (block.size > 0 && block.size + size > options.blockBytesMax && this.held === null) this.roll();
    this.lastPosition = owner.position;
    if (size > STAGED_RECORD_BYTES_MAX) {
      this.write();
      return UNSTAGED;
    }
    let address = staged.reserve(size);
    if (address === WRITE_FIRST) {
      this.write();
      address = staged.reserve(size);
    }
    if (address === ARENA_FULL) return UNSTAGED;
    if (staged.size === 0) {
      this.firstStaged = owner.position;
      if (this.held === null && this.failedFrom === 0) owner.line.stagedFrom = this.firstStaged;
    }
    return address;
  }

  /** Writes one record at once: it is too large for staging, or staging is used up by other stores. The block counts it already. */
  private writeAlone(size: number, encode: (writer: RecordWriter) => void): void {
    const record = Buffer.allocUnsafeSlow(size);
    encode(new RecordWriter(record, new DataView(record.buffer)));
    const { hasher } = this.parts;
    hasher.sealRecordsOf(record, 0, size, this.key);
    const { view } = this;
    view.read(record, 0, size);
    hasher.addLengths(this.lengths, record.readUInt32LE(0), view.subjectEnd - view.subjectStart, view.headerEnd - view.headerStart);
    this.firstStaged = this.owner.position;
    this.lastPosition = this.firstStaged;
    this.writeBytes(record, 0, size, this.block.size - size);
  }

  /** Writes whole records with their checksums. @param position in the file */
  private writeBytes(source: Uint8Array, start: number, end: number, position: number): void {
    const { block, firstStaged, held, lastPosition } = this;
    block.lastHash.set(source.subarray(end - CHECKSUM_BYTES, end));
    this.keepInMemory(source, start, end);
    if (held !== null) {
      held.pieces.push(Buffer.from(source.subarray(start, end)));
      held.last = lastPosition;
      return;
    }
    try {
      this.writeOrGiveUpReserve(source, start, end, position);
    } catch (error) {
      if (!isNoSpace(error)) return this.fail(error as Error, firstStaged);
      this.held = { offset: position, first: firstStaged, last: lastPosition, pieces: [Buffer.from(source.subarray(start, end))] };
      this.noteStaged();
      return;
    }
    if (position === 0) void this.owner.files.keys?.prepare(this.owner.nextNumber);
    this.written(firstStaged, lastPosition, end - start);
    this.writeBytesMean += (end - start - this.writeBytesMean) / 8;
    if (this.writeBytesMean <= WRITE_BYTES_MAX) this.extendAhead();
  }

  private keepInMemory(source: Uint8Array, start: number, end: number): void {
    const { block, parts } = this;
    const { data } = block;
    if (data === null) return;
    const before = data.memory;
    data.append(source, start, end);
    parts.cache.grown(block, before);
  }

  private writeOrGiveUpReserve(source: Uint8Array, start: number, end: number, position: number): void {
    const { cipher, file, parts } = this;
    try {
      parts.codec.write(file, position, source, start, end, cipher);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.owner.onNoSpace();
      if (!parts.reserve.giveUp()) throw error;
      parts.codec.write(file, position, source, start, end, cipher);
    }
  }

  /** Bytes of these changes are in the file. */
  private written(first: number, last: number, bytes: number): void {
    this.commit.written(first, last, bytes);
    if (this.isNew) this.directoryCommit.written(first, last);
    this.isNew = false;
  }

  /** The block is complete: its zeros are cut off when its records are durable. */
  private seal(): void {
    const { block, extending, file, owner } = this;
    const { size } = block;
    owner.line.afterDurable(owner.position - 1, async () => {
      await extending;
      if (!block.removed && !block.compressed) {
        const opened = file.open();
        if (opened.size > size) opened.truncate(size);
      }
      // The space of a removed file is free when nobody has it open any more.
      file.close();
    });
  }

  private open(block: Block): void {
    const { owner, parts } = this;
    block.key = owner.files.keys?.take(block.index) ?? null;
    this.block = block;
    this.held = null;
    this.noteStaged();
    this.extending = null;
    this.lengths.set();
    this.file = parts.files.fileAt(block.path);
    try {
      this.createFile();
    } catch (error) {
      this.fail(error as Error, owner.position);
    }
    this.commit = owner.line.open(this.file);
    this.key = HashKey.ofBlock(this.options.name, block.index);
    this.cipher = owner.files.cipherOf(block);
    this.isNew = true;
    owner.onBlockAdded(block);
  }

  private createFile(): void {
    try {
      this.file.open();
    } catch (error) {
      if (!isNoSpace(error) || !this.parts.reserve.giveUp()) throw error;
      this.owner.onNoSpace();
      this.file.open();
    }
  }

  /** Writes zeros in the background before they are needed. */
  private extendAhead(): void {
    const { block, file, options } = this;
    if (this.extending !== null || block.size < AHEAD_BYTES_MIN) return;
    const ahead = Math.min(AHEAD_BYTES_MAX, Math.max(AHEAD_BYTES_MIN, block.size));
    const opened = file.open();
    const reserved = opened.size - block.size;
    const wanted = Math.min(ahead, options.blockBytesMax - Math.max(opened.size, block.size));
    if (reserved > ahead / 2 || wanted <= 0) return;
    const extending = file.during(opened.extend(wanted)).catch((error: unknown) => {
      if (isNoSpace(error)) this.owner.onNoSpace();
      else this.owner.onFailure(error as Error);
    });
    this.extending = extending;
    void extending.then(() => {
      if (this.extending === extending) this.extending = null;
    });
  }
}
