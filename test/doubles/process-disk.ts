/**
 * A disk as one process sees it: when the process is killed, nothing that it began goes on. Calls throw, promises never settle. What was written
 * before stays on the disk below, as in the page cache of a system that goes on.
 */
import type { DirectoryEntry, DirectoryLock, Disk, DiskFile, DiskSpace, FileStatus, OpenMode } from "../../src/base/disk/disk.ts";

export class ProcessKilled extends Error {
  override name = "ProcessKilled";
}

export class ProcessDisk implements Disk {
  private killed = false;

  constructor(private readonly disk: Disk) {}

  /** Ends the process. */
  kill(): void {
    this.killed = true;
  }

  open(path: string, mode: OpenMode, permissions?: number): DiskFile {
    return new ProcessFile(this, this.living.open(path, mode, permissions));
  }

  readFile(path: string): Buffer {
    return this.living.readFile(path);
  }

  writeFile(path: string, content: Uint8Array, permissions: number): void {
    this.living.writeFile(path, content, permissions);
  }

  status(path: string): FileStatus | null {
    return this.living.status(path);
  }

  rename(from: string, to: string): void {
    this.living.rename(from, to);
  }

  unlink(path: string): void {
    this.living.unlink(path);
  }

  unlinkAsync(path: string): Promise<void> {
    return this.whileAlive(disk => disk.unlinkAsync(path));
  }

  makeDirectory(path: string, permissions?: number): void {
    this.living.makeDirectory(path, permissions);
  }

  removeDirectory(path: string): void {
    this.living.removeDirectory(path);
  }

  list(path: string): DirectoryEntry[] {
    return this.living.list(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.whileAlive(disk => disk.syncDirectory(path));
  }

  syncDirectoryNow(path: string): void {
    this.living.syncDirectoryNow(path);
  }

  lockDirectory(path: string): DirectoryLock {
    return this.living.lockDirectory(path);
  }

  space(path: string): DiskSpace {
    return this.living.space(path);
  }

  // Used by ProcessFile

  check(): void {
    if (this.killed) throw new ProcessKilled("the process was killed");
  }

  /** Settles as `begin` does, unless the process is killed before or meanwhile. */
  survive<T>(begin: () => Promise<T>): Promise<T> {
    if (this.killed) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      begin().then(
        value => {
          if (!this.killed) resolve(value);
        },
        error => {
          if (!this.killed) reject(error);
        },
      );
    });
  }

  private get living(): Disk {
    this.check();
    return this.disk;
  }

  private whileAlive<T>(begin: (disk: Disk) => Promise<T>): Promise<T> {
    return this.survive(() => begin(this.disk));
  }
}

class ProcessFile implements DiskFile {
  constructor(
    private readonly process: ProcessDisk,
    private readonly file: DiskFile,
  ) {}

  get path(): string {
    return this.file.path;
  }

  get size(): number {
    return this.file.size;
  }

  readAt(position: number, target: Uint8Array, start?: number, end?: number): number {
    return this.living.readAt(position, target, start, end);
  }

  readAsync(position: number, target: Uint8Array, start?: number, end?: number): Promise<number> {
    return this.process.survive(() => this.file.readAsync(position, target, start, end));
  }

  writeAt(position: number, source: Uint8Array, start?: number, end?: number): void {
    this.living.writeAt(position, source, start, end);
  }

  append(source: Uint8Array, start?: number, end?: number): void {
    this.living.append(source, start, end);
  }

  truncate(size: number): void {
    this.living.truncate(size);
  }

  extend(bytes: number): Promise<void> {
    return this.process.survive(() => this.file.extend(bytes));
  }

  sync(): Promise<void> {
    return this.process.survive(() => this.file.sync());
  }

  syncNow(): void {
    this.living.syncNow();
  }

  close(): void {
    this.file.close();
  }

  private get living(): DiskFile {
    this.process.check();
    return this.file;
  }
}
