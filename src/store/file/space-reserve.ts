/**
 * Bytes that the stores of a server keep back on the disk: a file of zeros, given up when the disk is full.
 *
 *   kept ─ the disk is full ─▶ given up: what was already accepted, and deletes, can still be written ─ there is room again ─▶ kept
 * Records are applied in memory before they are written, so a full disk must not stop those of the turn. And a purge needs a new block with one
 * record before it can free the old ones.
 */
import { join } from "node:path";
import type { Disk } from "../../base/disk/disk.ts";

const FILE = ".reserve";
const RESERVE_BYTES = 8 * 1024 * 1024;
/** At most this share of the free space is kept back. */
const SHARE = 1 / 64;
const PERMISSIONS = 0o600;

export class SpaceReserve {
  private readonly path: string;
  private kept = false;
  private restoring: Promise<boolean> | null = null;

  /** @param directory of the store; it exists */
  constructor(
    private readonly disk: Disk,
    private readonly directory: string,
  ) {
    this.path = join(directory, FILE);
  }

  /** The space is kept back. */
  get isKept(): boolean {
    return this.kept;
  }

  /** Gives up the space. @returns whether there is more room than before */
  giveUp(): boolean {
    if (!this.kept) return false;
    this.kept = false;
    this.disk.unlink(this.path);
    return true;
  }

  /**
   * Keeps space back, if there is clearly more: at start, and after it was given up.
   * @returns whether it is kept now. Never rejects: a disk that is still full is no error.
   */
  restore(): Promise<boolean> {
    if (this.kept) return Promise.resolve(true);
    this.restoring ??= this.write().finally(() => {
      this.restoring = null;
    });
    return this.restoring;
  }

  /** Removes the file: another server needs no reserve of this one. */
  async stop(): Promise<void> {
    await this.restoring;
    if (this.kept) this.unlinkPart();
    this.kept = false;
  }

  private async write(): Promise<boolean> {
    const { disk, path } = this;
    try {
      const { freeBytes, totalBytes } = disk.space(this.directory);
      const bytes = Math.min(RESERVE_BYTES, Math.floor(totalBytes * SHARE));
      if (freeBytes < 2 * bytes) return false;
      const file = disk.open(path, "replace", PERMISSIONS);
      try {
        await file.extend(bytes);
      } finally {
        file.close();
      }
      this.kept = true;
      return true;
    } catch {
      this.unlinkPart();
      return false;
    }
  }

  private unlinkPart(): void {
    try {
      this.disk.unlink(this.path);
    } catch {
      // It was not created, or the next start will empty it.
    }
  }
}

/** Whether an error of the system says that there is no room. */
export function isNoSpace(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
