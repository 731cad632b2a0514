/**
 * Reads messages of a file store out of blocks in memory.
 *
 *   sequence ─ stored? ─▶ block ─ in memory? ─▶ slot ─▶ record ─▶ message
 * A block that is not in memory is asked for, and the answer is `Cold`: the caller waits for `BlockLoader.warm` and asks again.
 */
import type { Block } from "../block/block.ts";
import { type BlockData, NO_RECORD } from "../block/block-data.ts";
import { RecordView } from "../block/record-view.ts";
import type { Message } from "../contract/message.ts";
import { COLD, Read } from "../contract/message-store.ts";

/** The store whose messages are read. */
export interface ReadStore {
  has(sequence: number): boolean;
  blockOf(sequence: number): Block | null;
  dataOf(block: Block): BlockData | null;
  bytesAt(block: Block, data: BlockData, offset: number): Buffer;
}

export class MessageReading {
  private readonly stored: ReadStore;
  private readonly record = new RecordView();

  constructor(stored: ReadStore) {
    this.stored = stored;
  }

  /** As `MessageStore.load`. */
  load(sequence: number, into: Message): Read {
    const { record, stored } = this;
    if (!stored.has(sequence)) return Read.Missing;
    const block = stored.blockOf(sequence)!;
    const data = stored.dataOf(block);
    if (data === null) return Read.Cold;
    const offset = data.offsetOf(sequence);
    if (offset === NO_RECORD) return Read.Damaged;
    const bytes = stored.bytesAt(block, data, offset);
    record.read(bytes, offset, data.size);
    record.fill(into, bytes);
    return Read.Found;
  }

  /** Bytes of the record of a message that is there; 0: it was lost by damage. */
  sizeOf(sequence: number): number | typeof COLD {
    const { record, stored } = this;
    const block = stored.blockOf(sequence)!;
    const data = stored.dataOf(block);
    if (data === null) return COLD;
    const offset = data.offsetOf(sequence);
    if (offset === NO_RECORD) return 0;
    record.read(stored.bytesAt(block, data, offset), offset, data.size);
    return record.size;
  }

  /** Bytes of header and payload of a message that is there. */
  contentSizeOf(sequence: number): number | typeof COLD {
    const { record } = this;
    const size = this.sizeOf(sequence);
    return size <= 0 ? size : record.headerEnd - record.headerStart + record.payloadEnd - record.payloadStart;
  }
}
