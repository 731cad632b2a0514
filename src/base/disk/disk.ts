/**
 * The file system as the server uses it. Handed in, so that a test can bring one that loses power, fails or is full
 * (test/doubles/simulated-disk.ts). One contract suite (disk.test.ts) runs against every implementation.
 *
 *   writeAt ─▶ page cache: visible to every reader, lost when the power fails ─ sync ─▶ durable
 *   open, rename, unlink, makeDirectory ─▶ visible at once ─ syncDirectory of the parent ─▶ durable
 * Everything but syncing is synchronous: a write into the page cache takes microseconds, less than a promise and a change of threads.
 * A sync takes as long as the medium needs, so it runs beside the event loop and settles a promise.
 *
 * Errors are those of the system: `code` ("ENOENT", "EIO", "ENOSPC" …), `syscall` and, where a path was given, `path`.
 */

/**
 * How a file is opened. `read`: it must exist. `write`: it must exist; for reading too. `create`: like `write`, made when missing.
 * `replace`: like `create`, emptied. `exclusive`: like `create`, must not exist.
 */
export type OpenMode = "read" | "write" | "create" | "replace" | "exclusive";

export interface FileStatus {
  readonly kind: "file" | "directory" | "other";
  /** Bytes. */
  readonly size: number;
}

export interface DirectoryEntry {
  readonly name: string;
  /** A symbolic link is not followed: it is no directory. */
  readonly isDirectory: boolean;
}

export interface DiskSpace {
  /** Bytes that this process may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface Disk {
  /**
   * A directory is refused (EISDIR).
   * @param permissions of a file that is made, less the umask of the process
   */
  open(path: string, mode: OpenMode, permissions?: number): DiskFile;
  /** The whole content of a file. */
  readFile(path: string): Buffer;
  /** Symbolic links are followed. Null: there is nothing at this path. */
  status(path: string): FileStatus | null;
  /** Atomic: readers see the old file at `to` or the new one. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes one directory; its parent must exist. */
  makeDirectory(path: string, permissions?: number): void;
  /** Removes one directory, which must be empty. */
  removeDirectory(path: string): void;
  /** What a directory holds, in order of the names' UTF-16 code units. */
  list(path: string): DirectoryEntry[];
  /** Makes durable which names the directory holds. After a failure their fate is unknown until the power has failed. */
  syncDirectory(path: string): Promise<void>;
  /** The same, holding up the event loop: only for what happens a few times in the life of a server. */
  syncDirectoryNow(path: string): void;
  /** Of the file system that holds `path`. */
  space(path: string): DiskSpace;
}

/** An open file. Its size is followed, not asked for: while it is open no other handle may write the file. */
export interface DiskFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /**
   * Reads into `target` from `start` to `end`.
   * @returns bytes read; fewer than asked for only at the end of the file
   */
  readAt(position: number, target: Uint8Array, start?: number, end?: number): number;
  /**
   * Writes `source` from `start` to `end`, all of it. A position behind the end leaves zeros between.
   * @throws after an error a first part of the bytes may have been written, and `size` says how far the file reaches now
   */
  writeAt(position: number, source: Uint8Array, start?: number, end?: number): void;
  /** Writes at the end. */
  append(source: Uint8Array, start?: number, end?: number): void;
  /** Cuts the file, or lengthens it with zeros. */
  truncate(size: number): void;
  /**
   * Makes durable what was written before the call, and the size (`fdatasync`). What is written meanwhile is not covered.
   * Once it has failed the bytes it should have covered may be lost, although reads still show them, and a later sync that succeeds says
   * nothing about them: the system has marked them as written.
   */
  sync(): Promise<void>;
  /** The same, holding up the event loop: only for what happens a few times in the life of a server. */
  syncNow(): void;
  /** Syncs under way are completed first. The file must not be used any more. */
  close(): void;
}
