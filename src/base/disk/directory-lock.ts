/**
 * Locks a directory against other processes, with `flock` of the C library, which the runtime does not offer.
 *
 *   flock on the directory itself ─ not possible there (NFS) ─▶ flock on the file `.lock` in it ─ not possible ─▶ ENOTSUP
 * The directory itself, because then nothing is left behind and nothing can be deleted: nats-server removes plain files from its store directory
 * at start. The kernel releases the lock when the process ends, so no lock is ever stale.
 */

import { type Pointer, read } from "bun:ffi";
import { closeSync, constants, openSync } from "node:fs";
import { constants as system } from "node:os";
import { join } from "node:path";
import { openLibc } from "../runtime/libc.ts";
import type { DirectoryLock } from "./disk.ts";

/** LOCK_EX | LOCK_NB: exclusive, and fail instead of waiting. */
const EXCLUSIVE_NOW = 2 | 4;
const { EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP } = system.errno;
/** The file system has no such locks. Every other error counts as a lock that another holds. */
const UNSUPPORTED: ReadonlySet<number> = new Set([EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP]);
const ERRNO = process.platform === "linux" ? "__errno_location" : "__error";

type Flock = (descriptor: number, operation: number) => "locked" | "held" | "unsupported";

function openFlock(): Flock | null {
  const libc = openLibc({ flock: { args: ["i32", "i32"], returns: "i32" }, [ERRNO]: { args: [], returns: "ptr" } });
  if (libc === null) return null;
  const { flock, [ERRNO]: errno } = libc;
  return (descriptor, operation) => {
    if (flock(descriptor, operation) === 0) return "locked";
    return UNSUPPORTED.has(read.i32(errno() as Pointer)) ? "unsupported" : "held";
  };
}

/** See `Disk.lockDirectory`. */
export function lockDirectory(path: string): DirectoryLock {
  const flock = openFlock();
  if (flock === null) throw lockError("ENOTSUP", path);
  return (
    lock(flock, path, () => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)) ??
    lock(flock, path, () => openSync(join(path, ".lock"), constants.O_RDWR | constants.O_CREAT, 0o600)) ??
    fail("ENOTSUP", path)
  );
}

/** null: not possible there. */
function lock(flock: Flock, path: string, open: () => number): DirectoryLock | null {
  const descriptor = open();
  const result = flock(descriptor, EXCLUSIVE_NOW);
  if (result === "locked") return { release: () => closeSync(descriptor) };
  closeSync(descriptor);
  return result === "held" ? fail("EWOULDBLOCK", path) : null;
}

function fail(code: string, path: string): never {
  throw lockError(code, path);
}

function lockError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: flock '${path}'`), { code, syscall: "flock", path });
}
