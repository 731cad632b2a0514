/**
 * The metafile of a stream or consumer: `meta.inf` holds its configuration as JSON, `meta.sum` the checksum of the bytes of `meta.inf`, as stored.
 *
 * nats-server replaces one file after the other, so a crash in between leaves a pair that does not match, and it skips such a stream. Here both new
 * files are durable under temporary names before the first old one is replaced, so that the next start can complete what was begun:
 *
 *   step                                      meta.inf   meta.sum   a start after a crash here
 *   write and sync meta.inf.tmp, meta.sum.tmp old        old        keeps the old pair, removes what is temporary
 *   sync the directory                        old        old        the same
 *   rename meta.inf.tmp to meta.inf           new        old        meta.sum.tmp fits meta.inf: renames it too
 *   rename meta.sum.tmp to meta.sum           new        new        the new pair
 *   sync the directory                        new        new        the new pair, for certain: only now the update may be answered
 * A new key, for a new stream or when the secret was changed, is a third file: meta.key.tmp is written with the other two, and renamed before them; the
 * directory is synced after that. A crash then leaves the new key with the old pair: the temporary pair, which fits the key, is renamed.
 * A file system that makes the two renames durable in the other order leaves old and new: meta.inf.tmp fits meta.sum, and is renamed likewise.
 * A complete pair is always one that nats-server reads.
 *
 * What is found selects exactly one row of `META_ROWS`. Where nats-server only logs a warning and forgets the stream, here a damaged stream stays
 * listed as offline, so that its name cannot be used again and its messages be mixed with those of another.
 */
import { join } from "node:path";
import { assert } from "../../base/assert/assert.ts";
import type { Disk } from "../../base/disk/disk.ts";
import type { HashKey } from "../block/hash-key.ts";
import type { RecordHasher } from "../block/record-hasher.ts";

export const META_FILE = "meta.inf";
export const META_CHECKSUM = "meta.sum";
export const META_KEY = "meta.key";

/** Encryption of the metafile with the key of its asset. */
export interface MetaCipher {
  /** @returns nonce and ciphertext, as they are stored */
  seal(plain: Uint8Array): Uint8Array;
  /** null: the bytes were not sealed with this key */
  open(stored: Uint8Array): Uint8Array | null;
}

/** What was found. */
export enum MetaRow {
  /** Both files, and they match. */
  Valid = 0,
  /** An update was under way when the process or the power ended; it has been completed. */
  Completed,
  NoFile,
  NoChecksum,
  Unreadable,
  Mismatch,
  /** The checksum is right, but the key does not open the file. */
  Sealed,
  /** There is no key for the file: `detail` says why. */
  Refused,
}

export interface MetaOutcome {
  /** `load`: `MetaFound.plain` has the configuration. `skip`: there is no such stream or consumer. `offline`: it is listed and cannot be used. */
  readonly kind: "load" | "skip" | "offline";
  /** Why; null when nothing is wrong. For the log, and as the reason of what is offline. Source: the reference server's warnings. */
  readonly text: ((found: MetaFound) => string) | null;
}

export const META_ROWS: Record<MetaRow, MetaOutcome> = {
  [MetaRow.Valid]: { kind: "load", text: null },
  [MetaRow.Completed]: { kind: "load", text: null },
  [MetaRow.NoFile]: { kind: "skip", text: ({ path }) => `Missing stream metafile for ${quote(path)}` },
  [MetaRow.NoChecksum]: { kind: "offline", text: ({ checksumPath }) => `Missing stream checksum file ${quote(checksumPath)}` },
  [MetaRow.Unreadable]: { kind: "offline", text: ({ path, detail }) => `Error reading metafile ${quote(path)}: ${detail}` },
  [MetaRow.Mismatch]: { kind: "offline", text: ({ path, detail }) => `Stream metafile ${quote(path)}: checksums do not match ${detail}` },
  [MetaRow.Sealed]: { kind: "offline", text: () => "Error decrypting our stream metafile: cipher: message authentication failed" },
  [MetaRow.Refused]: { kind: "offline", text: ({ detail }) => `Error decrypting our stream metafile: ${detail}` },
};

export interface MetaFound {
  readonly row: MetaRow;
  readonly path: string;
  readonly checksumPath: string;
  /** The decrypted content, where the row's kind is `load`. */
  readonly plain: Uint8Array;
  /** Part of the row's text. */
  readonly detail: string;
}

const NOTHING = new Uint8Array(0);
const PERMISSIONS = 0o600;

/** The content of `meta.sum`: 16 lowercase hex digits. */
export function metaChecksum(hasher: RecordHasher, key: HashKey, stored: Uint8Array): string {
  const sum = Buffer.alloc(8);
  hasher.hash(stored, 0, stored.length, key, sum, 0);
  return sum.toString("hex");
}

/** What is wrong, in the words of the row; empty: nothing. */
export function metaText(found: MetaFound): string {
  return META_ROWS[found.row].text?.(found) ?? "";
}

export class MetaFile {
  private readonly path: string;
  private readonly checksumPath: string;
  private readonly keyPath: string;
  private isWriting = false;

  /**
   * @param directory of the stream or consumer; it exists
   * @param checksum the content of `meta.sum` for these bytes of `meta.inf`, see `metaChecksum`
   * @param cipher null: stored as it is
   */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly checksum: (stored: Uint8Array) => string,
    private readonly cipher: MetaCipher | null,
  ) {
    this.path = join(directory, META_FILE);
    this.checksumPath = join(directory, META_CHECKSUM);
    this.keyPath = join(directory, META_KEY);
  }

  /**
   * Creates or replaces both files. Resolves when they are durable. One call at a time.
   * After an error, or a crash at any moment, the next start finds the old content or the new one, complete.
   * @param keyFile content of a new key file, whose key is that of `cipher`; null: it stays as it is
   */
  async write(plain: Uint8Array, keyFile: Uint8Array | null = null): Promise<void> {
    assert(!this.isWriting, "one update of a metafile at a time", this.path);
    this.isWriting = true;
    try {
      const stored = this.cipher === null ? plain : this.cipher.seal(plain);
      await Promise.all([
        this.writeTemporary(this.path, stored),
        this.writeTemporary(this.checksumPath, Buffer.from(this.checksum(stored), "latin1")),
        keyFile === null ? null : this.writeTemporary(this.keyPath, keyFile),
      ]);
      await this.disk.syncDirectory(this.directory);
      if (keyFile !== null) {
        this.disk.rename(temporary(this.keyPath), this.keyPath);
        await this.disk.syncDirectory(this.directory);
      }
      this.disk.rename(temporary(this.path), this.path);
      this.disk.rename(temporary(this.checksumPath), this.checksumPath);
      await this.disk.syncDirectory(this.directory);
    } finally {
      this.isWriting = false;
    }
  }

  /** Reads what is there, and completes or removes what a crash left. Throws nothing: what cannot be read is a row. */
  async load(): Promise<MetaFound> {
    try {
      return await this.find();
    } catch (error) {
      return this.found(MetaRow.Unreadable, (error as Error).message);
    }
  }

  private async find(): Promise<MetaFound> {
    const stored = this.read(this.path);
    if (stored === null) return this.found(MetaRow.NoFile);
    const sum = this.read(this.checksumPath);
    const newSum = this.read(temporary(this.checksumPath));
    if (this.matches(stored, sum)) {
      const found = this.opened(MetaRow.Valid, stored);
      if (found.row !== MetaRow.Valid) return (await this.completeForKey(newSum)) ?? found;
      this.removeTemporary();
      return found;
    }
    if (this.matches(stored, newSum)) {
      await this.complete(this.checksumPath);
      return this.opened(MetaRow.Completed, stored);
    }
    const newStored = this.read(temporary(this.path));
    if (newStored !== null && this.matches(newStored, sum)) {
      await this.complete(this.path);
      return this.opened(MetaRow.Completed, newStored);
    }
    if (sum === null) return this.found(MetaRow.NoChecksum);
    return this.found(MetaRow.Mismatch, `${quote(sum.toString("latin1"))} vs ${quote(this.checksum(stored))}`);
  }

  private matches(stored: Uint8Array, sum: Buffer | null): boolean {
    return sum !== null && sum.toString("latin1") === this.checksum(stored);
  }

  /** Renames the second of the two files. */
  private async complete(path: string): Promise<void> {
    this.disk.rename(temporary(path), path);
    this.removeTemporary();
    await this.disk.syncDirectory(this.directory);
  }

  /** The key was replaced, and the two files were not yet. @returns null: the temporary files do not fit the key */
  private async completeForKey(newSum: Buffer | null): Promise<MetaFound | null> {
    const newStored = this.read(temporary(this.path));
    if (newStored === null || !this.matches(newStored, newSum)) return null;
    const found = this.opened(MetaRow.Completed, newStored);
    if (found.row !== MetaRow.Completed) return null;
    this.disk.rename(temporary(this.path), this.path);
    await this.complete(this.checksumPath);
    return found;
  }

  private opened(row: MetaRow, stored: Uint8Array): MetaFound {
    const plain = this.cipher === null ? stored : this.cipher.open(stored);
    return plain === null ? this.found(MetaRow.Sealed) : this.found(row, "", plain);
  }

  private found(row: MetaRow, detail = "", plain: Uint8Array = NOTHING): MetaFound {
    return { row, path: this.path, checksumPath: this.checksumPath, plain, detail };
  }

  /** null: there is no such file. */
  private read(path: string): Buffer | null {
    try {
      return this.disk.readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  private async writeTemporary(path: string, content: Uint8Array): Promise<void> {
    const file = this.disk.open(temporary(path), "replace", PERMISSIONS);
    try {
      file.append(content);
      await file.sync();
    } finally {
      file.close();
    }
  }

  private removeTemporary(): void {
    for (const path of [this.path, this.checksumPath, this.keyPath]) {
      if (this.disk.status(temporary(path)) !== null) this.disk.unlink(temporary(path));
    }
  }
}

function temporary(path: string): string {
  return `${path}.tmp`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
