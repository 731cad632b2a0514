/**
 * Replaces a file as a whole: a temporary file beside it is written, synced and renamed. Whatever happens, the path holds the old content
 * or the new one. When the replacement fails the temporary file is removed.
 */
import { dirname } from "node:path";
import type { Disk } from "./disk.ts";

export interface Replacement {
  readonly path: string;
  /** In the same directory. */
  readonly temporary: string;
  /** `exclusive`: a temporary file that exists belongs to someone else; `replace`: it is left from a crash. */
  readonly mode: "exclusive" | "replace";
  readonly permissions: number;
}

/** Settles when the new content is durable. */
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
    removeIfThere(disk, temporary);
    throw error;
  }
  await disk.syncDirectory(dirname(path));
}

/** The same, holding up the event loop while the disk syncs. */
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
    removeIfThere(disk, temporary);
    throw error;
  }
  disk.syncDirectoryNow(dirname(path));
}

function removeIfThere(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch {
    // The first error says what went wrong.
  }
}
