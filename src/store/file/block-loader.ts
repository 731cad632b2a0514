/**
 * Reads blocks from the disk into memory, outside the event loop, and finds the slots of their messages.
 *
 *   request ─▶ readAsync ─▶ decode ─▶ verify checksums ─▶ slots ─▶ cache          warm(): resolves when what was asked for is there
 * Records that are bad end the block: messages behind them are lost, which is reported, and nothing is changed on the disk.
 */

import { inOneGo } from "../../base/scheduling/sliced.ts";
import type { Block } from "../block/block.ts";
import { BlockData, NO_RECORD } from "../block/block-data.ts";
import { HashKey } from "../block/hash-key.ts";
import { RecordKind } from "../block/record-format.ts";
import type { StoreState } from "../contract/store-state.ts";
import { NO_SUBJECT, type SubjectTable } from "../subjects/subject-table.ts";
import type { ActiveBlock } from "./active-block.ts";
import type { BlockFiles } from "./block-files.ts";
import { judgeBlock, Verdict } from "./block-verdict.ts";
import { BlockWalk } from "./block-walk.ts";
import type { DurableMarks } from "./durable-marks.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

/** The store whose blocks are read. */
export interface BlockReader {
  readonly parts: StoreParts;
  readonly options: StoreOptions;
  readonly subjects: SubjectTable;
  readonly active: ActiveBlock;
  readonly files: BlockFiles;
  readonly marks: DurableMarks;
  readonly state: StoreState;
  /** Whether the message is still there. */
  has(sequence: number): boolean;
}

export class BlockLoader {
  private readonly stored: BlockReader;
  private readonly loading = new Set<Promise<void>>();

  constructor(stored: BlockReader) {
    this.stored = stored;
  }

  /** Begins to read a block, unless it is being read. @param then called when it is in memory */
  request(block: Block, then: (() => void) | null = null): void {
    if (block.loading === null) {
      const loading = this.read(block).finally(() => {
        block.loading = null;
        this.loading.delete(loading);
      });
      block.loading = loading;
      this.loading.add(loading);
    }
    if (then !== null) void block.loading.then(then);
  }

  /** Resolves when all blocks that were asked for are in memory. */
  async warm(): Promise<void> {
    await Promise.all(this.loading);
  }

  private async read(block: Block): Promise<void> {
    const { stored } = this;
    const { parts } = stored;
    try {
      let bytes: Buffer | null = null;
      while (bytes === null && !block.removed) {
        const { changes, replacements } = block;
        const isActive = block === stored.active.block;
        if (isActive) stored.active.write();
        const { records } = await parts.run(stored.files.read(block, isActive ? block.size : null));
        // What was read may lack what was erased meanwhile.
        const isCurrent = block.changes === changes && block.replacements === replacements;
        bytes = isCurrent ? this.complete(block, records) : null;
      }
      // Nothing may be waited for here: a message that is stored meanwhile would have no slot.
      if (bytes !== null && !block.removed) this.accept(block, bytes, Math.min(block.size, bytes.length));
    } catch (error) {
      if (block.removed) return;
      parts.log.error(`JetStream could not read ${block.path}: ${(error as Error).message}`);
      if (!block.removed) this.accept(block, Buffer.allocUnsafeSlow(1), 0);
    }
  }

  /** Adds the records that were written while the others were read. @returns null: they must be read again, because the block was compressed meanwhile */
  private complete(block: Block, records: Buffer): Buffer | null {
    const { active, files } = this.stored;
    if (block === active.block) active.write();
    if (records.length >= block.size || block.damaged) return records;
    return block.compressed ? null : Buffer.concat([records, files.readNow(block, records.length, block.size)]);
  }

  /** Keeps the content of a block. @param size bytes that were read */
  private accept(block: Block, bytes: Buffer, size: number): void {
    const { stored } = this;
    const { parts, subjects } = stored;
    const { hasher, meter } = parts;
    const key = HashKey.ofBlock(stored.options.name, block.index);
    const data = new BlockData(block.firstSequence, bytes, 0, block.lastSequence - block.firstSequence + 1);
    const walk = new BlockWalk(hasher, key, bytes, size, ({ kind, sequence, start, subjectEnd, subjectStart }) => {
      if (kind !== RecordKind.Message || !stored.has(sequence) || !block.covers(sequence)) return;
      const subject = subjects.find(bytes, subjectStart, subjectEnd);
      // A length that has changed makes another subject of the same bytes, and no checksum shows it.
      if (subject !== NO_SUBJECT) data.addSlot(sequence, start, subject);
    });
    // Marks of what is being cut off say nothing any more.
    const marks = stored.marks.file.marksOf(block.index).filter(({ offset }) => offset <= block.size);
    const scan = inOneGo(walk.run(marks));
    const { text, verdict } = judgeBlock(marks, scan, true);
    const isShort = scan.offset < block.size;
    if (isShort || verdict === Verdict.Damaged) inOneGo(walk.behind(block.lastSequence, () => {}));
    data.size = size;
    meter.done += (size >> 9) + data.slots;
    parts.cache.put(block, data, true);
    if ((isShort || verdict === Verdict.Damaged) && !block.damaged)
      this.reportDamage(block, data, text || `a record at ${scan.offset} is bad`);
  }

  /** Damage that recovery did not see, because it did not read the block. */
  private reportDamage(block: Block, data: BlockData, text: string): void {
    const { options, parts, state } = this.stored;
    block.damaged = true;
    const lost: number[] = [];
    for (let sequence = block.firstSequence; sequence <= block.lastSequence; sequence++) {
      if (this.stored.has(sequence) && data.offsetOf(sequence) === NO_RECORD) lost.push(sequence);
    }
    state.lostSequences = [...state.lostSequences, ...lost].sort((a, b) => a - b);
    parts.log.error(`JetStream found damage in ${block.path}: ${text}. Stream ${options.name} has lost ${lost.length} messages`);
  }
}
