/** Opens a file store: a new one, or what is on the disk. */
import type { Job } from "../../base/scheduling/job.ts";
import { CommitLine } from "../commit/commit-line.ts";
import type { StoreObserver } from "../contract/message-store.ts";
import type { StoreLimits } from "../contract/store-limits.ts";
import { repeatLimits } from "./file-removal.ts";
import { FileStore } from "./file-store.ts";
import { beginBlock } from "./open-last-block.ts";
import { completePurge } from "./purge-completion.ts";
import { blockNumbers, type Recovered, recover } from "./recovery.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";
import { StoredBlocks } from "./stored-blocks.ts";

const FIRST_BLOCK = 1;

export interface OpenedStore {
  readonly store: FileStore;
  /** null: the store is new. */
  readonly recovered: Recovered | null;
}

/** The stream's directory and `msgs/` in it must exist. */
export function* openFileStore(parts: StoreParts, options: StoreOptions, limits: StoreLimits, observer: StoreObserver): Job<OpenedStore> {
  const stored = new StoredBlocks(parts, options, limits, observer);
  let store: FileStore | null = null;
  stored.line = new CommitLine(
    parts.commits,
    {
      onDurable: () => store?.onDurable(),
      onFailure: error => stored.onFailure(error),
    },
    0,
    options.relaxed,
  );
  yield* completePurge(parts.disk, options.directory);
  const numbers = blockNumbers(stored);
  const isNew = numbers.length === 0;
  let recovered: Recovered | null = null;
  if (isNew) yield* beginBlock(stored, FIRST_BLOCK);
  else {
    recovered = yield* recover(stored, numbers);
    stored.blockRemoval.removeEmpty();
    yield* repeatLimits(stored);
    stored.settle();
  }
  store = new FileStore(stored);
  // What was read is durable; what opening changed is written.
  store.flush();
  return { store, recovered };
}
