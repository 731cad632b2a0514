/** The state of a file store as `index.db` keeps it: what `state-restore.ts` takes over again. */
import { BinaryWriter } from "../../base/bytes/binary-writer.ts";
import type { Block } from "../block/block.ts";
import type { StoreState } from "../contract/store-state.ts";
import { SequenceSet } from "../sequences/sequence-set.ts";
import { encodeSequenceSet } from "../sequences/sequence-set-codec.ts";
import { NO_SUBJECT, type SubjectTable } from "../subjects/subject-table.ts";
import { BlockState, SavedState, type SubjectWalk } from "./saved-state.ts";

/** The store, as far as the file describes it. */
export interface DescribedStore {
  readonly state: StoreState;
  readonly deleted: SequenceSet;
  /** In the order of their numbers; the last one is active. */
  readonly blocks: readonly Block[];
  readonly active: { readonly block: Block };
}

/** null: the state cannot be described, because it is empty or messages were lost by damage, which the next start must find again. */
export function captureState(stored: DescribedStore): SavedState | null {
  const { active, blocks, state } = stored;
  if (active.block.size === 0 || state.lostSequences.length > 0 || blocks.some(({ damaged }) => damaged)) return null;
  const saved = new SavedState();
  saved.messages = state.messages;
  saved.bytes = state.bytes;
  saved.firstSequence = state.firstSequence;
  saved.firstTime.set(state.firstTimeHigh, state.firstTimeLow);
  saved.lastSequence = state.lastSequence;
  saved.lastTime.set(state.lastTimeHigh, state.lastTimeLow);
  saved.lastHash = active.block.lastHash.slice();
  for (const block of blocks) {
    const captured = captureBlock(stored, block, block === active.block);
    if (captured.messages !== block.messages) return null;
    saved.blocks.push(captured);
  }
  return saved;
}

function captureBlock({ deleted, state }: DescribedStore, block: Block, isActive: boolean): BlockState {
  const saved = new BlockState();
  saved.index = block.index;
  saved.bytes = block.bytes;
  saved.firstSequence = block.firstSequence;
  saved.firstTime.set(block.firstTimeHigh, block.firstTimeLow);
  saved.lastSequence = isActive ? state.lastSequence : block.lastSequence;
  saved.lastTime.set(block.lastTimeHigh, block.lastTimeLow);
  saved.ttls = block.ttlCount;
  if (block.messages === 0) {
    saved.firstSequence = saved.lastSequence + 1;
    return saved;
  }
  const set = new SequenceSet();
  for (let first = deleted.next(saved.firstSequence); first !== 0 && first <= saved.lastSequence; ) {
    const end = Math.min(deleted.nextMissing(first), saved.lastSequence + 1);
    set.addSpan(first, end - 1);
    first = deleted.next(end);
  }
  saved.deleted = set.size;
  if (set.size === 0) return saved;
  const writer = new BinaryWriter();
  encodeSequenceSet(set, writer);
  saved.deletedSet = writer.bytes.slice();
  return saved;
}

/** All subjects of a table, in the order of their ids. */
export class TableWalk implements SubjectWalk {
  readonly count: number;
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  total = 0;
  firstBlock = 0;
  lastBlock = 0;
  /** All were walked over. */
  isComplete = false;
  private id = NO_SUBJECT;

  constructor(private readonly subjects: SubjectTable) {
    this.count = subjects.size;
  }

  next(): boolean {
    const { subjects } = this;
    const id = subjects.next(this.id);
    this.isComplete = id === NO_SUBJECT;
    if (this.isComplete) return false;
    this.id = id;
    this.bytes = subjects.bytesOf(id);
    this.start = subjects.startOf(id);
    this.end = this.start + subjects.sizeOf(id);
    this.total = subjects.totalOf(id);
    this.firstBlock = subjects.firstBlockOf(id);
    this.lastBlock = subjects.lastBlockOf(id);
    return true;
  }
}
