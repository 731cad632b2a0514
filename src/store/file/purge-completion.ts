/**
 * Completes a purge of nats-server that a crash interrupted. It builds the new blocks beside the old ones and then renames two directories:
 *
 *   msgs, __new_msgs__ (blocks)   ─▶ __new_msgs__ becomes msgs        msgs, __new_msgs__ (a key only) ─▶ nothing was purged
 *   msgs, __msgs__ (the old ones) ─▶ __msgs__ is removed
 * Source: formats.md §10.12.
 */
import { join } from "node:path";
import type { Disk } from "../../base/disk/disk.ts";
import { removeTree } from "../../base/disk/remove-tree.ts";
import type { Job } from "../../base/scheduling/job.ts";

const NEW_MESSAGES = "__new_msgs__";
const OLD_MESSAGES = "__msgs__";

/** @param directory of the stream */
export function* completePurge(disk: Disk, directory: string): Job<void> {
  const [fresh, old, messages] = [NEW_MESSAGES, OLD_MESSAGES, "msgs"].map(name => join(directory, name));
  if (disk.status(fresh) !== null) {
    if (disk.list(fresh).some(({ name }) => name.endsWith(".blk"))) {
      if (disk.status(messages) !== null) yield* removeTree(disk, messages);
      disk.rename(fresh, messages);
    } else yield* removeTree(disk, fresh);
    yield disk.syncDirectory(directory);
  }
  if (disk.status(old) !== null) yield* removeTree(disk, old);
}
