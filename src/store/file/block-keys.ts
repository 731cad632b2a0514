/**
 * The key files of a store's blocks: `<n>.key` beside `<n>.blk`.
 *
 *   prepare(n + 1) ─ in the background, while block n is written ─▶ key file, durable ─▶ take(n + 1) when that block begins
 * A key is durable before the first byte that is encrypted with it: otherwise a power failure could leave a block that nobody can read. A block that
 * begins earlier than expected waits for its key on the event loop. A key without a block is harmless: nats-server removes it at its next start, and
 * so does recovery here.
 */
import type { Disk } from "../../base/disk/disk.ts";
import { type Replacement, replaceFile, replaceFileNow } from "../../base/disk/replace-file.ts";
import type { FileKey } from "../block/encryption.ts";
import type { StreamKeys } from "../block/stream-keys.ts";

export const PERMISSIONS = 0o600;

interface PreparedKey {
  readonly index: number;
  readonly key: FileKey;
  isDurable: boolean;
}

export class BlockKeys {
  private prepared: PreparedKey | null = null;

  /** @param directory `msgs` of the stream */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    readonly stream: StreamKeys,
  ) {}

  pathOf(index: number): string {
    return `${this.directory}/${index}.key`;
  }

  /** Writes the key file of a block that will begin, unless that has begun. Resolves also when the disk fails: `take` tries again. */
  async prepare(index: number): Promise<void> {
    if (this.prepared?.index === index) return;
    const prepared = { index, key: this.stream.newBlockKey(index), isDurable: false };
    this.prepared = prepared;
    try {
      await replaceFile(this.disk, this.replacement(index, "tmp"), prepared.key.keyFile);
      prepared.isDurable = true;
    } catch {
      // The error comes again in `take`, if it lasts.
    }
  }

  /** The key of a new block; its file is durable. @throws the disk's error; nothing has changed then */
  take(index: number): FileKey {
    const prepared = this.prepared?.index === index ? this.prepared : null;
    const key = prepared?.key ?? this.stream.newBlockKey(index);
    // Another name than in `prepare`, which may be writing the same content.
    if (prepared === null || !prepared.isDurable) replaceFileNow(this.disk, this.replacement(index, "new"), key.keyFile);
    this.prepared = null;
    return key;
  }

  /** Removes the file of a key that no block has used. */
  close(): void {
    const { prepared } = this;
    this.prepared = null;
    if (prepared?.isDurable !== true) return;
    try {
      this.disk.unlink(this.pathOf(prepared.index));
    } catch {
      // It is harmless.
    }
  }

  private replacement(index: number, suffix: string): Replacement {
    const path = this.pathOf(index);
    return { path, temporary: `${path}.${suffix}`, mode: "replace", permissions: PERMISSIONS };
  }
}
