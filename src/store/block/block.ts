/**
 * A message block: one file with consecutive records, and what the store knows of it without reading it.
 *
 *   msgs/7.blk    first ── records: messages, gaps, tombstones ── last │ zeros written in advance
 *                 ◀──────────── size, in decoded bytes ──────────────▶
 * `bytes` and `messages` count what is left after deletes; `size` counts every record. What is read from the file is in `data`, as long as the
 * block cache keeps it.
 */
import type { BlockData } from "./block-data.ts";
import type { FileKey } from "./encryption.ts";

export class Block {
  /** Number in the file's name. */
  readonly index: number;
  readonly path: string;
  /** Of the first message or gap that counts; an empty block: the sequence that it would get, behind `lastSequence`. 0: not known yet. */
  firstSequence = 0;
  firstTimeHigh = 0;
  firstTimeLow = 0;
  lastSequence = 0;
  lastTimeHigh = 0;
  lastTimeLow = 0;
  messages = 0;
  /** Bytes of the records of those messages. */
  bytes = 0;
  /** Bytes of all records, as they are after decompression. */
  size = 0;
  /** Messages with a time to live; too high is harmless. */
  ttlCount = 0;
  /** Deletes of earlier blocks are recorded here, so the file stays although it has no messages. */
  tombstones = 0;
  /** Checksum of the last record, 8 bytes: the last bytes of the decoded file. */
  readonly lastHash = new Uint8Array(8);
  /** The file is compressed: it was sealed. */
  compressed = false;
  /** Of the encrypted file; null: it is plain, or the key was not needed yet. */
  key: FileKey | null = null;
  /** Number of times that bytes of a complete block were overwritten. */
  changes = 0;
  /** Number of times that its file was replaced. */
  replacements = 0;
  /** Its last records are being cut off: it is not rewritten meanwhile. */
  cutting = false;
  /** Its content; null: not in memory. */
  data: BlockData | null = null;
  /** It is being read from the disk. */
  loading: Promise<void> | null = null;
  /** The bytes on the disk are damaged from some record on: messages without a slot in `data` are lost. */
  damaged = false;
  /** Removed from the store. */
  removed = false;

  constructor(index: number, path: string) {
    this.index = index;
    this.path = path;
  }

  /** Has no message and no gap. */
  get isEmpty(): boolean {
    return this.lastSequence < this.firstSequence || this.firstSequence === 0;
  }

  /** Whether the sequence lies between its first and its last one. */
  covers(sequence: number): boolean {
    return sequence >= this.firstSequence && sequence <= this.lastSequence;
  }

  /** The block has no sequence; it stands behind this one. So the last sequences and times of blocks never fall, for searches. */
  beginAfter(sequence: number, timeHigh: number, timeLow: number): void {
    this.firstSequence = sequence + 1;
    this.lastSequence = sequence;
    this.lastTimeHigh = timeHigh;
    this.lastTimeLow = timeLow;
  }

  /** Notes a record behind the others. */
  addRecord(sequence: number, size: number, timeHigh: number, timeLow: number): void {
    if (this.isEmpty || this.messages === 0) {
      this.firstSequence = sequence;
      this.firstTimeHigh = timeHigh;
      this.firstTimeLow = timeLow;
    }
    this.lastSequence = sequence;
    this.lastTimeHigh = timeHigh;
    this.lastTimeLow = timeLow;
    this.size += size;
  }
}
