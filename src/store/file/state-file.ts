/**
 * `msgs/index.db`: the state of a store as it was at one moment, so that the next start need not read all blocks. Without it nothing is lost: the
 * blocks say everything. It is written now and then, and at a clean stop.
 *
 *   write   index.db.tmp in pieces ─▶ sync ─▶ rename ─▶ sync the directory
 *   remove  before an earlier block is changed: the file counts as current as long as the last record of the last block is the one it names
 * nats-server overwrites the file in place and does not sync it. Here it is replaced, so that a crash keeps the old one, which is a checkpoint.
 *
 * A file that names an empty last block (its hash is zeros) must be removed before that block gets its first record: the block is extended with
 * zeros ahead of its end, and after a crash nats-server would compare the last 8 bytes, zeros, with the zeros in the file, and ignore the records.
 *
 * The store must not change while its state is encoded, which takes many slices for a large one: the caller says when it has, and the attempt ends
 * without a result. A busy store keeps its last file; at a clean stop there is no change.
 */
import { join } from "node:path";
import type { Disk, DiskFile } from "../../base/disk/disk.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { HASH_BYTES, type SavedState, type SubjectVisitor, type SubjectWalk } from "./saved-state.ts";
import { type BlockEvidence, decodeState, notFound, type StateFound, type StateKeys, StateRow } from "./state-decoder.ts";
import { encodeState } from "./state-encoder.ts";

export const STATE_FILE = "index.db";
const PERMISSIONS = 0o600;

export interface StateSource {
  readonly state: SavedState;
  readonly subjects: SubjectWalk;
  /** Whether the store is still as it was when the two above were made; after `subjects` was walked over: whether that is still a checkpoint of it. */
  isCurrent(): boolean;
  /** Resolves when what the two describe is durable: otherwise a power cut could leave a file that describes what is not there. */
  whenDurable(): Promise<void>;
}

export class StateFile {
  private readonly path: string;

  /** @param directory `msgs` of the stream */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly keys: StateKeys,
  ) {
    this.path = join(directory, STATE_FILE);
  }

  /** @returns false: the store changed meanwhile, the old file is still there. Fails with the disk's error, also leaving the old file. */
  *write(source: StateSource): Job<boolean> {
    const temporary = `${this.path}.tmp`;
    const file = this.disk.open(temporary, "replace", PERMISSIONS);
    let isRenamed = false;
    try {
      const isComplete = this.keys.cipher === null ? yield* this.writePlain(file, source) : yield* this.writeSealed(file, source);
      if (!isComplete) return false;
      yield file.sync();
      yield source.whenDurable();
      if (!source.isCurrent()) return false;
      this.disk.rename(temporary, this.path);
      isRenamed = true;
    } finally {
      file.close();
      if (!isRenamed) this.unlinkIfThere(temporary);
    }
    yield this.disk.syncDirectory(this.directory);
    return true;
  }

  /** What kept the file from being read is a row, never an error. */
  *read(visitor: SubjectVisitor, evidence: BlockEvidence): Job<StateFound> {
    let stored: Buffer;
    try {
      const file = this.disk.open(this.path, "read");
      try {
        stored = Buffer.allocUnsafe(file.size);
        yield readInto(file, stored);
      } finally {
        file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return notFound(StateRow.Missing);
      return notFound(StateRow.Unreadable, (error as Error).message);
    }
    return yield* decodeState(stored, this.keys, visitor, evidence);
  }

  /** Resolves when the removal is durable. */
  async remove(): Promise<void> {
    this.unlinkIfThere(this.path);
    await this.disk.syncDirectory(this.directory);
  }

  /** Hashes while it writes, so that the encoded state is never in memory as a whole. */
  private *writePlain(file: DiskFile, source: StateSource): Job<boolean> {
    const { hasher, key } = this.keys;
    hasher.start(key);
    const emit = (bytes: Uint8Array, start: number, end: number) => {
      hasher.update(bytes, start, end);
      file.append(bytes, start, end);
    };
    if (!(yield* encodeWhileCurrent(source, emit))) return false;
    this.appendHash(file);
    return true;
  }

  /** The cipher authenticates the body as a whole, so it is collected. */
  private *writeSealed(file: DiskFile, source: StateSource): Job<boolean> {
    const { hasher, key, cipher } = this.keys;
    const pieces: Uint8Array[] = [];
    const emit = (bytes: Uint8Array, start: number, end: number) => void pieces.push(Buffer.from(bytes.subarray(start, end)));
    if (!(yield* encodeWhileCurrent(source, emit))) return false;
    const sealed = cipher!.seal(Buffer.concat(pieces));
    hasher.start(key);
    hasher.update(sealed, 0, sealed.length);
    file.append(sealed);
    this.appendHash(file);
    return true;
  }

  private appendHash(file: DiskFile): void {
    const hash = new Uint8Array(HASH_BYTES);
    this.keys.hasher.finish(hash, 0);
    file.append(hash);
  }

  private unlinkIfThere(path: string): void {
    try {
      this.disk.unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function* encodeWhileCurrent(source: StateSource, emit: (bytes: Uint8Array, start: number, end: number) => void): Job<boolean> {
  const encoding = encodeState(source.state, source.subjects, emit);
  for (;;) {
    const step = encoding.next();
    if (step.done) return true;
    yield step.value;
    if (!source.isCurrent()) return false;
  }
}

async function readInto(file: DiskFile, target: Buffer): Promise<void> {
  await file.readAsync(0, target);
}
