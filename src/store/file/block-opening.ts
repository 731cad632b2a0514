/**
 * Opens the blocks that recovery finds, whatever form and key they have, and gives those with another key the current one.
 *
 *   <n>.key, <n>.blk, <n>.blk.tmp ─▶ which of them fit each other ─▶ `BlockStep` (block/encryption-recovery.ts) ─▶ records
 * What a crash has left of rewriting is completed or removed. Nothing that might hold messages is deleted: a block whose key is lost stays as it is,
 * and counts as damaged from its first byte on.
 */
import type { Job } from "../../base/scheduling/job.ts";
import type { Block } from "../block/block.ts";
import { CompressedBlockError } from "../block/compressed-block.ts";
import { applyInSlices, type FileKey, KEY_FILE_BYTES_MIN, KeyState } from "../block/encryption.ts";
import { ASSET_REFUSALS, AssetStep, BlockStep, blockStep, keyStateWithoutSecret } from "../block/encryption-recovery.ts";
import { HashKey } from "../block/hash-key.ts";
import { type BlockFiles, readIfThere, unlinkIfThere } from "./block-files.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

/** Of rewritten files, nats-server's `<n>.new` too. */
const LEFTOVER = /^(\d+\.(key\.(tmp|new)|blk\.tmp|new)|(index\.db|durable\.mark)\.tmp)$/;
const KEY_FILE = /^(\d+)\.key$/;
const EMPTY = Buffer.alloc(0);

export interface OpenedBlock {
  /** Decrypted and expanded. */
  readonly records: Buffer;
  /** Why the file, which is not empty, cannot be decoded; null: it can, as far as is known before its records are verified. */
  readonly fault: string | null;
}

/** A content of a block's file that was tried with a key. */
interface Attempt extends OpenedBlock {
  /** Decrypted, as it would lie in a plain file. */
  readonly plain: Buffer;
  readonly compressed: boolean;
  readonly fits: boolean;
}

export class BlockOpening {
  private readonly parts: StoreParts;
  private readonly options: StoreOptions;
  private readonly files: BlockFiles;
  private readonly directory: string;

  constructor(parts: StoreParts, options: StoreOptions, files: BlockFiles) {
    this.parts = parts;
    this.options = options;
    this.files = files;
    this.directory = `${options.directory}/msgs`;
  }

  /**
   * The records of a block, whose form and key are noted in it.
   * @throws an Error when blocks are encrypted and no secret is configured, or the disk's error
   */
  *open(block: Block): Job<OpenedBlock> {
    const { keys } = this.files;
    const keyFile = readIfThere(this.parts.disk, `${this.directory}/${block.index}.key`);
    const opening = keys === null ? null : keys.stream.openBlockKey(block.index, keyFile);
    const key = opening?.key ?? null;
    const state = opening?.state ?? keyStateWithoutSecret(keyFile);
    const enabled = keys !== null;
    if (!enabled && state !== KeyState.Absent) throw new Error(refusalOf(keyFile!));
    // What is usual needs no second reading.
    const first = yield* this.attempt(block, block.path, key);
    if (first.fits && state === (enabled ? KeyState.Current : KeyState.Absent)) return this.opened(block, first, key);
    const isSealed = key !== null;
    const plain = isSealed && !first.fits ? yield* this.attempt(block, block.path, null) : first;
    const rewritten = isSealed && !first.fits ? yield* this.attempt(block, this.temporaryOf(block), key) : null;
    const step = blockStep({
      enabled,
      key: state,
      plainFits: plain.fits,
      sealedFits: isSealed && first.fits,
      rewriteFits: rewritten !== null && rewritten.plain.length > 0 && rewritten.fits,
    });
    return yield* this.carryOut(step, block, key, first, plain, rewritten);
  }

  /** Whether the key of a block's file is the current one, or the file is plain and no key is configured. Then `open` would change nothing. */
  hasCurrentKey(index: number): boolean {
    const { keys } = this.files;
    const keyFile = readIfThere(this.parts.disk, `${this.directory}/${index}.key`);
    if (keys === null) return keyStateWithoutSecret(keyFile) === KeyState.Absent;
    return keys.stream.openBlockKey(index, keyFile).state === KeyState.Current;
  }

  /** Removes what a crash or another server has left: call it when all blocks are open. @param numbers of the blocks */
  removeLeftovers(numbers: ReadonlySet<number>): void {
    const { disk } = this.parts;
    for (const { name } of disk.list(this.directory)) {
      const key = KEY_FILE.exec(name);
      const isOrphan = key !== null && this.files.keys !== null && !numbers.has(Number(key[1]));
      if (isOrphan || LEFTOVER.test(name)) unlinkIfThere(disk, `${this.directory}/${name}`);
    }
  }

  private *carryOut(
    step: BlockStep,
    block: Block,
    key: FileKey | null,
    first: Attempt,
    plain: Attempt,
    rewritten: Attempt | null,
  ): Job<OpenedBlock> {
    const { disk, log } = this.parts;
    switch (step) {
      case BlockStep.Encrypt:
        return yield* this.changeKey(block, plain);
      case BlockStep.ChangeKey:
        return yield* this.changeKey(block, first);
      case BlockStep.FinishRewrite:
        disk.rename(this.temporaryOf(block), block.path);
        yield disk.syncDirectory(this.directory);
        return this.opened(block, rewritten!, key);
      case BlockStep.KeyLost:
        log.error(`JetStream cannot read ${block.path}: its key is lost`);
        return { records: EMPTY, fault: "the key is lost" };
      default:
        return this.opened(block, first, key);
    }
  }

  private opened(block: Block, attempt: Attempt, key: FileKey | null): OpenedBlock {
    block.key = key;
    block.compressed = attempt.compressed;
    return attempt;
  }

  private *attempt(block: Block, path: string, key: FileKey | null): Job<Attempt> {
    const { codec, disk } = this.parts;
    if (disk.status(path) === null) return { records: EMPTY, plain: EMPTY, compressed: false, fits: false, fault: "there is no such file" };
    const plain = yield* this.files.readFile(path, null);
    const isEmpty = isZero(plain);
    if (isEmpty) return { records: plain, plain, compressed: false, fits: true, fault: null };
    const hashKey = HashKey.ofBlock(this.options.name, block.index);
    try {
      const decoded = yield* codec.decode(plain, key?.blockCipher() ?? null, hashKey);
      const fits = codec.startsWithRecord(decoded.records, hashKey);
      return { ...decoded, plain, fits, fault: null };
    } catch (error) {
      if (!(error instanceof CompressedBlockError)) throw error;
      return { records: EMPTY, plain, compressed: true, fits: false, fault: error.message };
    }
  }

  /** Encrypts the file with a new key. It stays as it is otherwise: compressed or not, and with what stands behind the last good record. */
  private *changeKey(block: Block, { plain, compressed, fault, records }: Attempt): Job<OpenedBlock> {
    const { disk } = this.parts;
    const keys = this.files.keys!;
    const key = keys.stream.newBlockKey(block.index);
    const sealed = Buffer.from(plain);
    yield* applyInSlices(key.blockCipher(), sealed, 0, sealed.length, 0);
    const temporary = this.temporaryOf(block);
    const keyPath = keys.pathOf(block.index);
    yield* this.files.writeFile(temporary, { bytes: sealed, size: sealed.length });
    yield* this.files.writeFile(`${keyPath}.tmp`, { bytes: Buffer.from(key.keyFile), size: key.keyFile.length });
    yield disk.syncDirectory(this.directory);
    disk.rename(`${keyPath}.tmp`, keyPath);
    yield disk.syncDirectory(this.directory);
    disk.rename(temporary, block.path);
    yield disk.syncDirectory(this.directory);
    block.key = key;
    block.compressed = compressed;
    return { records, fault };
  }

  private temporaryOf(block: Block): string {
    return `${block.path}.tmp`;
  }
}

function refusalOf(keyFile: Uint8Array): string {
  const step = keyFile.length < KEY_FILE_BYTES_MIN ? AssetStep.RefuseKeySize : AssetStep.RefuseDisabled;
  return ASSET_REFUSALS[step]!;
}

/** Space that was prepared, without a record. */
function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.compare(bytes, 1, bytes.length, 0, bytes.length - 1) === 0);
}
