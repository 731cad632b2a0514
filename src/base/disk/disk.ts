/**
 * The server's interface to the file system. It is passed in, so that a test can use one that loses power, fails or is full
 * (test/doubles/simulated-disk.ts). One contract suite (disk.test.ts) runs against every implementation.
 *
 *   writeAt ─▶ page cache: visible to every reader, lost when the power fails ─ sync ─▶ durable
 *   open, rename, unlink, makeDirectory ─▶ visible at once ─ syncDirectory of the parent ─▶ durable
 * Most operations are synchronous: a write into the page cache takes microseconds, less than a promise and a thread switch. What takes as long
 * as the medium needs runs in the thread pool and settles a promise: syncs, reads of what may not be cached, extensions, removals of large files.
 *
 * Errors are those of the system: `code` ("ENOENT", "EIO", "ENOSPC" …), `syscall` and, where a path was given, `path`.
 */

/**
 * How a file is opened. `read`: for reading; it must exist. `write`: for reading and writing; it must exist. `create`: like `write`, but
 * a missing file is created. `replace`: like `create`, and the file is emptied. `exclusive`: like `create`, but it must not exist.
 */
export type OpenMode = "read" | "write" | "create" | "replace" | "exclusive";

export interface FileStatus {
  readonly kind: "file" | "directory" | "other";
  /** Bytes. */
  readonly size: number;
}

export interface DirectoryEntry {
  readonly name: string;
  /** False for a symbolic link, which is not followed. */
  readonly isDirectory: boolean;
}

export interface DiskSpace {
  /** Bytes that this process may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** A directory that this process has locked. The lock ends with the process, however it ends. */
export interface DirectoryLock {
  release(): void;
}

export interface Disk {
  /**
   * Opens a file. A directory is refused (EISDIR).
   * @param permissions of a new file, without the bits of the process's umask
   */
  open(path: string, mode: OpenMode, permissions?: number): DiskFile;
  /** The whole content of a file. */
  readFile(path: string): Buffer;
  /**
   * Creates or empties a file and writes it from front to back. The path may also be a pipe or a device. Readers can see a part of it.
   * @param permissions of a new file, without the bits of the process's umask
   */
  writeFile(path: string, content: Uint8Array, permissions: number): void;
  /** Symbolic links are followed. null: the path does not exist. */
  status(path: string): FileStatus | null;
  /** Atomic: readers see the old file at `to` or the new one. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** The same in the thread pool: the file system takes up to milliseconds to free a large file. Use it for the store's blocks. */
  unlinkAsync(path: string): Promise<void>;
  /** Creates one directory; its parent must exist. */
  makeDirectory(path: string, permissions?: number): void;
  /** Removes one directory, which must be empty. */
  removeDirectory(path: string): void;
  /** Entries of a directory, sorted by the names' UTF-16 code units. */
  list(path: string): DirectoryEntry[];
  /** Makes the directory's entries durable. After a failure it is unknown which entries would survive a power failure. */
  syncDirectory(path: string): Promise<void>;
  /** The same, blocking the event loop: only for rare operations. */
  syncDirectoryNow(path: string): void;
  /**
   * Locks a directory against every other caller of this method, also those of this process. Programs that do not ask are not kept out.
   * @throws EWOULDBLOCK: another holds the lock. ENOTSUP: this system or file system has no such locks.
   */
  lockDirectory(path: string): DirectoryLock;
  /** Space of the file system that holds `path`. */
  space(path: string): DiskSpace;
}

/** An open file. Its size is computed, not read from the system, so no other handle may write the file while this one is open. */
export interface DiskFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /**
   * Reads into `target` from `start` to `end`.
   * @returns bytes read; fewer than requested only at the end of the file
   */
  readAt(position: number, target: Uint8Array, start?: number, end?: number): number;
  /**
   * The same in the thread pool, for bytes that may have to come from the medium.
   * @param target borrowed until the promise settles
   */
  readAsync(position: number, target: Uint8Array, start?: number, end?: number): Promise<number>;
  /**
   * Writes `source` from `start` to `end` completely. If the position is after the end of the file, the gap is filled with zeros.
   * @throws the system's error; a first part of the bytes may then have been written, which `size` includes
   */
  writeAt(position: number, source: Uint8Array, start?: number, end?: number): void;
  /** Writes at the end. */
  append(source: Uint8Array, start?: number, end?: number): void;
  /** Shortens the file, or extends it with a hole that reads as zeros. */
  truncate(size: number): void;
  /**
   * Writes zeros after the end of the file and makes them durable, in the thread pool. A sync after overwriting such zeros is cheaper than one
   * after an append, because neither the size nor the map of the file's blocks changes (bench/micro/disk.ts).
   * `writeAt` may be called meanwhile, also beyond the end: the zeros then follow those bytes. `size` rises when the promise settles.
   * After a failure some of the zeros may be there, and the file's syncs must not be trusted if it was the sync that failed (`syscall`).
   */
  extend(bytes: number): Promise<void>;
  /**
   * Makes the bytes written before the call durable, and the size (`fdatasync`). Later writes are not covered.
   * After a failure the covered bytes may be lost, although reads still return them. A later successful sync does not cover them, because
   * the system has marked them as written.
   */
  sync(): Promise<void>;
  /** The same, blocking the event loop: only for rare operations. */
  syncNow(): void;
  /** Running syncs complete first. The file must not be used after this call. */
  close(): void;
}
