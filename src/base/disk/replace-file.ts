/**
 * Replaces a file atomically: a temporary file in the same directory is written, synced and renamed. The path always has the old or the new
 * content. If the replacement fails, the temporary file is removed.
 */
import { dirname } from "node:path";
import type { Disk } from "./disk.ts";

export interface Replacement {
  readonly path: string;
  /** In the same directory. */
  readonly temporary: string;
  /** `exclusive`: an existing temporary file belongs to another process; `replace`: it remains from a crash and is overwritten. */
  readonly mode: "exclusive" | "replace";
  readonly permissions: number;
}

/** Resolves when the new content is durable. */
export async function replaceFile(disk: Disk, replacement: Replacement, content: Uint8Array): Promise<void> {
  const { path, temporary } = replacement;
  const file = disk.open(temporary, replacement.mode, replacement.permissions);
  try {
    try {
      file.append(content);
      await file.sync();
    } finally {
      file.close();
    }
    disk.rename(temporary, path);
  } catch (error) {
    removeIfExists(disk, temporary);
    throw error;
  }
  await disk.syncDirectory(dirname(path));
}

/** The same, blocking the event loop while the disk syncs. */
export function replaceFileNow(disk: Disk, replacement: Replacement, content: Uint8Array): void {
  const { path, temporary } = replacement;
  const file = disk.open(temporary, replacement.mode, replacement.permissions);
  try {
    try {
      file.append(content);
      file.syncNow();
    } finally {
      file.close();
    }
    disk.rename(temporary, path);
  } catch (error) {
    removeIfExists(disk, temporary);
    throw error;
  }
  disk.syncDirectoryNow(dirname(path));
}

function removeIfExists(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch {
    // The first error is reported.
  }
}
