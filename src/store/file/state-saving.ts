/**
 * Keeps `index.db` of a store: writes it now and then when something has changed, and at a clean stop; removes it before it would become wrong.
 *
 *   changed? ─▶ capture ─▶ encode while nothing changes ─▶ what it describes is durable ─▶ replace the file
 * A store that changes all the time while many subjects are encoded keeps its last file, which is a checkpoint.
 */
import type { Job } from "../../base/scheduling/job.ts";
import type { Block } from "../block/block.ts";
import { HashKey } from "../block/hash-key.ts";
import type { SubjectTable } from "../subjects/subject-table.ts";
import { metaChecksum } from "./meta-file.ts";
import type { SubjectVisitor } from "./saved-state.ts";
import { SealedMeta } from "./sealed-meta.ts";
import { captureState, type DescribedStore, TableWalk } from "./state-capture.ts";
import { type BlockEvidence, notFound, type StateFound, type StateKeys, StateRow } from "./state-decoder.ts";
import { StateFile } from "./state-file.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

/** The store whose state is saved. */
export interface SavedStore extends DescribedStore {
  readonly parts: StoreParts;
  readonly options: StoreOptions;
  readonly subjects: SubjectTable;
  readonly active: { readonly block: Block; readonly isHolding: boolean; write(): void };
  readonly applied: number;
  readonly failure: Error | null;
  readonly fullDisk: { readonly isFull: boolean };
  whenDurable(): Promise<void>;
}

export class StateSaving {
  private readonly stored: SavedStore;
  /** Of the change up to which the file describes the store; -1: there is no file of this process. */
  private savedAt = -1;
  private mayExist = true;
  /** Rises when a description of the store from before is void. */
  private removals = 0;
  private running: Promise<void> | null = null;

  constructor(stored: SavedStore) {
    this.stored = stored;
  }

  /** Reads the file. What kept it from being read is a row, never an error. */
  *read(visitor: SubjectVisitor, evidence: BlockEvidence): Job<StateFound> {
    const keys = yield* this.lendKeys();
    if (keys === null) return notFound(StateRow.Missing);
    try {
      return yield* this.fileOf(keys).read(visitor, evidence);
    } finally {
      this.stored.parts.stateHashers.giveBack(keys.hasher);
    }
  }

  /** Writes the file, unless it describes the store already. Resolves when that is done, or was given up; never rejects. */
  save(): Promise<void> {
    this.running ??= this.saveNow().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Removes the file. Durable when it resolves. */
  async remove(): Promise<void> {
    this.removals++;
    await this.running;
    this.savedAt = -1;
    if (!this.mayExist) return;
    const { disk, hasher } = this.stored.parts;
    // Another file may be written while this removal becomes durable.
    this.mayExist = false;
    try {
      await new StateFile(disk, this.directory, { hasher, key: this.key, cipher: null }).remove();
    } catch (error) {
      this.mayExist = true;
      throw error;
    }
  }

  private get directory(): string {
    return `${this.stored.options.directory}/msgs`;
  }

  private get key(): HashKey {
    return HashKey.ofName(this.stored.options.name);
  }

  private fileOf(keys: StateKeys): StateFile {
    return new StateFile(this.stored.parts.disk, this.directory, keys);
  }

  /** null: the store is encrypted, and its key cannot be read. Give the hasher back. */
  private *lendKeys(): Job<StateKeys | null> {
    const { options, parts } = this.stored;
    const { key } = this;
    if (options.keys === null) return { hasher: yield* parts.stateHashers.lend(), key, cipher: null };
    const meta = new SealedMeta(parts.disk, options.directory, stored => metaChecksum(parts.hasher, key, stored), options.keys);
    const cipher = meta.stateCipher();
    return cipher === null ? null : { hasher: yield* parts.stateHashers.lend(), key, cipher };
  }

  private async saveNow(): Promise<void> {
    const { parts } = this.stored;
    if (this.stored.applied === this.savedAt || this.stored.failure !== null || this.stored.fullDisk.isFull) return;
    try {
      await parts.run(this.write());
    } catch (error) {
      parts.log.warn(`JetStream could not write the state of stream ${this.stored.options.name}: ${(error as Error).message}`);
    }
  }

  private *write(): Job<void> {
    const keys = yield* this.lendKeys();
    if (keys === null) return;
    try {
      yield* this.writeFile(this.fileOf(keys));
    } finally {
      this.stored.parts.stateHashers.giveBack(keys.hasher);
    }
  }

  private *writeFile(file: StateFile): Job<void> {
    const { stored } = this;
    stored.active.write();
    if (stored.active.isHolding) return;
    const state = captureState(stored);
    // Without a description the next start reads the blocks.
    if (state === null) return yield file.remove();
    const { removals } = this;
    const { applied } = stored;
    const subjects = new TableWalk(stored.subjects);
    this.mayExist = true;
    const isWritten = yield* file.write({
      state,
      subjects,
      isCurrent: () => this.removals === removals && (subjects.isComplete || stored.applied === applied),
      whenDurable: () => stored.whenDurable(),
    });
    if (isWritten) this.savedAt = applied;
  }
}
