/** The machine's file system. Syncs run in the runtime's thread pool. */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { assert } from "../assert/assert.ts";
import type { DirectoryEntry, Disk, DiskFile, DiskSpace, FileStatus, OpenMode } from "./disk.ts";

const FLAGS: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
  replace: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
  exclusive: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY;
const syncDescriptor = promisify(fsync);
const syncData = promisify(fdatasync);

class SystemFile implements DiskFile {
  size: number;
  private syncing = 0;
  private closed = false;

  constructor(
    readonly path: string,
    private readonly descriptor: number,
  ) {
    const status = fstatSync(descriptor);
    this.size = status.size;
    if (!status.isDirectory()) return;
    closeSync(descriptor);
    throw Object.assign(new Error(`EISDIR: illegal operation on a directory, open '${path}'`), { code: "EISDIR", syscall: "open", path });
  }

  readAt(position: number, target: Uint8Array, start = 0, end = target.length): number {
    let at = start;
    while (at < end) {
      const count = readSync(this.descriptor, target, at, end - at, position + at - start);
      if (count === 0) break;
      at += count;
    }
    return at - start;
  }

  writeAt(position: number, source: Uint8Array, start = 0, end = source.length): void {
    let at = start;
    while (at < end) {
      at += writeSync(this.descriptor, source, at, end - at, position + at - start);
      this.size = Math.max(this.size, position + at - start);
    }
  }

  append(source: Uint8Array, start = 0, end = source.length): void {
    this.writeAt(this.size, source, start, end);
  }

  truncate(size: number): void {
    ftruncateSync(this.descriptor, size);
    this.size = size;
  }

  async sync(): Promise<void> {
    this.syncing++;
    try {
      await syncData(this.descriptor);
    } finally {
      this.syncing--;
      assert(this.syncing >= 0, "a file has no negative number of syncs under way", this.syncing);
      if (this.closed && this.syncing === 0) closeSync(this.descriptor);
    }
  }

  syncNow(): void {
    fdatasyncSync(this.descriptor);
  }

  close(): void {
    assert(!this.closed, "a file is closed once", this.path);
    this.closed = true;
    // A running sync still uses the descriptor; if it were closed now, its number could be reused for another file.
    if (this.syncing === 0) closeSync(this.descriptor);
  }
}

class SystemDisk implements Disk {
  open(path: string, mode: OpenMode, permissions = 0o600): DiskFile {
    return new SystemFile(path, openSync(path, FLAGS[mode], permissions));
  }

  readFile(path: string): Buffer {
    return readFileSync(path);
  }

  writeFile(path: string, content: Uint8Array, permissions: number): void {
    writeFileSync(path, content, { mode: permissions });
  }

  status(path: string): FileStatus | null {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return null;
    return { kind: status.isFile() ? "file" : status.isDirectory() ? "directory" : "other", size: status.size };
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  unlink(path: string): void {
    unlinkSync(path);
  }

  makeDirectory(path: string, permissions = 0o700): void {
    mkdirSync(path, { mode: permissions });
  }

  removeDirectory(path: string): void {
    rmdirSync(path);
  }

  list(path: string): DirectoryEntry[] {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.map(entry => ({ name: entry.name, isDirectory: entry.isDirectory() })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async syncDirectory(path: string): Promise<void> {
    const descriptor = openSync(path, DIRECTORY_FLAGS);
    try {
      await syncDescriptor(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  syncDirectoryNow(path: string): void {
    const descriptor = openSync(path, DIRECTORY_FLAGS);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  space(path: string): DiskSpace {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }
}

export const SYSTEM_DISK: Disk = new SystemDisk();
