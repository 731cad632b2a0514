/**
 * Removes a directory with everything in it, file by file in the thread pool, so that the event loop never waits for the file system. Symbolic
 * links are removed, not followed. What vanishes meanwhile counts as removed. A crash leaves a part of the tree: callers first rename the
 * directory to a name that is cleaned up at start.
 */
import { join } from "node:path";
import type { Job } from "../scheduling/job.ts";
import { PAUSE } from "../scheduling/sliced.ts";
import type { DirectoryEntry, Disk } from "./disk.ts";

export function* removeTree(disk: Disk, path: string): Job<void> {
  for (const { name, isDirectory } of listIfThere(disk, path)) {
    const entry = join(path, name);
    if (isDirectory) yield* removeTree(disk, entry);
    else yield disk.unlinkAsync(entry).catch(ignoreMissing);
  }
  yield PAUSE;
  try {
    disk.removeDirectory(path);
  } catch (error) {
    ignoreMissing(error);
  }
}

function listIfThere(disk: Disk, path: string): DirectoryEntry[] {
  try {
    return disk.list(path);
  } catch (error) {
    ignoreMissing(error);
    return [];
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
