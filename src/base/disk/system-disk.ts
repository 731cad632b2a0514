/**
 * The machine's file system. Syncs, asynchronous reads, extensions and removals run in the runtime's thread pool.
 *
 * Reads go into the caller's buffer with `fs.read`, not through `Bun.file(path).slice()`: that allocates a buffer for each read, opens the file
 * again and takes longer (bench/micro/disk.ts).
 */
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
  read,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlink,
  unlinkSync,
  write,
  writeFileSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { assert } from "../assert/assert.ts";
import { lockDirectory } from "./directory-lock.ts";
import type { DirectoryEntry, DirectoryLock, Disk, DiskFile, DiskSpace, FileStatus, OpenMode } from "./disk.ts";

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
const removeFile = promisify(unlink);
/** Written by extensions, never changed. */
const ZEROS = Buffer.alloc(256 * 1024);

function readInPool(descriptor: number, target: Uint8Array, start: number, size: number, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    read(descriptor, target, start, size, position, (error, count) => (error === null ? resolve(count) : reject(error))),
  );
}

function appendZerosInPool(descriptor: number, size: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(descriptor, ZEROS, 0, size, null, (error, count) => (error === null ? resolve(count) : reject(error))),
  );
}

class SystemFile implements DiskFile {
  size: number;
  /** Calls in the thread pool that use the descriptor. */
  private running = 0;
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

  async readAsync(position: number, target: Uint8Array, start = 0, end = target.length): Promise<number> {
    this.running++;
    try {
      let at = start;
      while (at < end) {
        const count = await readInPool(this.descriptor, target, at, end - at, position + at - start);
        if (count === 0) break;
        at += count;
      }
      return at - start;
    } finally {
      this.ran();
    }
  }

  async extend(bytes: number): Promise<void> {
    this.running++;
    try {
      await this.appendZeros(bytes);
    } finally {
      this.size = fstatSync(this.descriptor).size;
      this.ran();
    }
  }

  async sync(): Promise<void> {
    this.running++;
    try {
      await syncData(this.descriptor);
    } finally {
      this.ran();
    }
  }

  syncNow(): void {
    fdatasyncSync(this.descriptor);
  }

  close(): void {
    assert(!this.closed, "a file is closed once", this.path);
    this.closed = true;
    // A call in the thread pool still uses the descriptor; if it were closed now, its number could be reused for another file.
    if (this.running === 0) closeSync(this.descriptor);
  }

  private ran(): void {
    this.running--;
    assert(this.running >= 0, "a file has no negative number of calls under way", this.running);
    if (this.closed && this.running === 0) closeSync(this.descriptor);
  }

  /**
   * Through a second descriptor that only appends: the system chooses the position while it holds the file's lock. Zeros written at a position
   * chosen here would destroy records that the event loop wrote there meanwhile.
   */
  private async appendZeros(bytes: number): Promise<void> {
    const appending = openSync(this.path, constants.O_WRONLY | constants.O_APPEND);
    try {
      const [own, opened] = [fstatSync(this.descriptor), fstatSync(appending)];
      if (own.ino !== opened.ino || own.dev !== opened.dev) {
        throw Object.assign(new Error(`ESTALE: another file has the name '${this.path}'`), {
          code: "ESTALE",
          syscall: "open",
          path: this.path,
        });
      }
      for (let left = bytes; left > 0; ) left -= await appendZerosInPool(appending, Math.min(left, ZEROS.length));
      await syncData(appending);
    } finally {
      closeSync(appending);
    }
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

  unlinkAsync(path: string): Promise<void> {
    return removeFile(path);
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

  lockDirectory(path: string): DirectoryLock {
    return lockDirectory(path);
  }

  space(path: string): DiskSpace {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }
}

export const SYSTEM_DISK: Disk = new SystemDisk();
