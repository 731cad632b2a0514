/**
 * Reading, replacing and removing the files of a store's blocks, whatever form they have.
 *
 *   read      <n>.blk ─▶ decrypt, expand ─▶ records
 *   replace   records ─ compress, encrypt ─▶ <n>.blk.tmp ─ sync ─▶ rename ─▶ sync the directory
 *   remove    <n>.blk first, then <n>.key: nats-server takes a block without a key for a plain one
 * A replacement happens only if the block did not change meanwhile. One block of the server is encoded at a time, so that the memory for it is bounded.
 */
import type { Disk, DiskFile } from "../../base/disk/disk.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import type { Block } from "../block/block.ts";
import { BLOCK_BYTES_MAX, type DecodedBlock, type EncodedBlock } from "../block/block-codec.ts";
import type { BlockCipher, FileKey } from "../block/encryption.ts";
import { HashKey } from "../block/hash-key.ts";
import { BlockKeys, PERMISSIONS } from "./block-keys.ts";
import type { StoreOptions, StoreParts } from "./store-parts.ts";

/** Bytes that are written between two pauses. */
const PIECE_BYTES = 256 * 1024;

export class BlockFiles {
  /** null: blocks are not encrypted. */
  readonly keys: BlockKeys | null;
  private readonly parts: StoreParts;
  private readonly directory: string;
  private readonly stream: string;

  constructor(parts: StoreParts, options: StoreOptions) {
    this.parts = parts;
    this.directory = `${options.directory}/msgs`;
    this.stream = options.name;
    this.keys = options.keys === null ? null : new BlockKeys(parts.disk, this.directory, options.keys);
  }

  pathOf(index: number): string {
    return `${this.directory}/${index}.blk`;
  }

  /** The key of a block's file, read when it is needed first; null: it is not encrypted. @throws an Error if there is none that fits */
  keyOf(block: Block): FileKey | null {
    const { keys } = this;
    if (keys === null || block.key !== null) return block.key;
    const keyFile = readIfThere(this.parts.disk, keys.pathOf(block.index));
    const { key } = keys.stream.openBlockKey(block.index, keyFile);
    if (key === null) throw new Error("unable to recover keys");
    block.key = key;
    return key;
  }

  /** The cipher of a block's file; null: it is not encrypted. */
  cipherOf(block: Block): BlockCipher | null {
    return this.keyOf(block)?.blockCipher() ?? null;
  }

  /**
   * The records of a block.
   * @param size bytes of the file that are read; null: all
   * @throws the disk's error; CompressedBlockError
   */
  *read(block: Block, size: number | null): Job<DecodedBlock> {
    const cipher = this.cipherOf(block);
    const bytes = yield* this.readFile(block.path, size);
    return yield* this.parts.codec.decode(bytes, cipher, HashKey.ofBlock(this.stream, block.index));
  }

  /** A part of a block that is not compressed, just written: it is in the system's memory. */
  readNow(block: Block, start: number, end: number): Buffer {
    const file = this.parts.files.fileAt(block.path);
    const bytes = Buffer.allocUnsafeSlow(end - start);
    const count = file.open().readAt(start, bytes);
    file.close();
    this.cipherOf(block)?.apply(bytes, 0, count, start);
    return bytes.subarray(0, count);
  }

  /** The bytes of a file as they are. What lies behind the largest size of a block is left out. @param size null: all */
  *readFile(path: string, size: number | null): Job<Buffer> {
    const { files } = this.parts;
    const file = files.fileAt(path);
    try {
      const opened = file.open();
      const bytes = Buffer.allocUnsafeSlow(Math.min(size ?? opened.size, BLOCK_BYTES_MAX));
      let count = 0;
      yield file.during(opened.readAsync(0, bytes, 0, bytes.length)).then(read => {
        count = read;
      });
      return bytes.subarray(0, count);
    } finally {
      file.close();
    }
  }

  /**
   * Replaces the file of a block. Durable when the job is complete. The caller has its turn (`RewriteTurns`).
   * @param records of the block, up to `size`; borrowed
   * @param isStillRight asked just before the file is replaced
   * @returns false: it was not replaced, because that says no
   */
  *replace(
    block: Block,
    records: Uint8Array,
    size: number,
    compressed: boolean,
    isStillRight: (fileBytes: number) => boolean,
  ): Job<boolean> {
    const { codec, disk } = this.parts;
    const encoded = yield* codec.encode(records, size, compressed, this.cipherOf(block));
    const temporary = `${block.path}.tmp`;
    try {
      if (!isStillRight(encoded.size)) return false;
      yield* this.writeFile(temporary, encoded);
      if (!isStillRight(encoded.size)) {
        disk.unlink(temporary);
        return false;
      }
      disk.rename(temporary, block.path);
      block.compressed = compressed;
      if (size !== block.size) {
        // Records are at other places now.
        this.parts.cache.drop(block);
        block.size = size;
      }
      block.replacements++;
    } catch (error) {
      unlinkIfThere(disk, temporary);
      throw error;
    } finally {
      codec.release(encoded);
    }
    yield disk.syncDirectory(this.directory);
    return true;
  }

  /** Creates a file with this content, and syncs it. */
  *writeFile(path: string, content: EncodedBlock): Job<void> {
    const file: DiskFile = this.parts.disk.open(path, "replace", PERMISSIONS);
    try {
      for (let at = 0; at < content.size; at += PIECE_BYTES) {
        file.append(content.bytes, at, Math.min(content.size, at + PIECE_BYTES));
        yield PAUSE;
      }
      yield file.sync();
    } finally {
      file.close();
    }
  }

  /** Removes the files of a block. */
  async remove(block: Block): Promise<void> {
    await this.unlink(block.path);
    if (this.keys !== null) await this.unlink(this.keys.pathOf(block.index));
  }

  /** Removes a file. It may be gone: a removal that the last process had begun can end after the file was seen. */
  private async unlink(path: string): Promise<void> {
    try {
      await this.parts.disk.unlinkAsync(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

/** @returns null: there is no such file */
export function readIfThere(disk: Disk, path: string): Buffer | null {
  try {
    return disk.readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export function unlinkIfThere(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
