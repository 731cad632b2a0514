/** The open files of blocks, for all stores of a server: at most so many, the least recently used ones are closed. A file with a sync under way stays open. */
import type { Disk, DiskFile } from "../../base/disk/disk.ts";

/** The share of the process's descriptors that stores may use. */
export const DESCRIPTOR_SHARE = 1 / 4;

/** A file that is opened when it is needed. */
export class BlockFile {
  readonly path: string;
  private readonly files: OpenFiles;
  private file: DiskFile | null = null;
  /** Syncs and other operations under way. */
  private busy = 0;
  /** Number of writes, and how many of them a sync has covered. */
  private writes = 0;
  private synced = 0;

  constructor(files: OpenFiles, path: string) {
    this.files = files;
    this.path = path;
  }

  /** The open file. Its `size` is that of the file on the disk. Use it at once. */
  open(): DiskFile {
    this.file ??= this.files.openFile(this);
    this.files.touch(this);
    return this.file;
  }

  /** Writes bytes. The file stays open until a sync has covered them. @throws the system's error */
  write(position: number, source: Uint8Array, start: number, end: number): void {
    this.writes++;
    this.open().writeAt(position, source, start, end);
  }

  async sync(): Promise<void> {
    const { writes } = this;
    await this.during(this.open().sync());
    this.synced = writes;
  }

  /** Keeps the file open as long as an operation takes. */
  async during<T>(operation: Promise<T>): Promise<T> {
    this.busy++;
    try {
      return await operation;
    } finally {
      this.busy--;
      this.files.shrink();
    }
  }

  /** Must stay open. */
  get isBusy(): boolean {
    return this.busy > 0 || this.synced < this.writes;
  }

  /** Also during a sync, which completes first. */
  close(): void {
    this.file?.close();
    this.file = null;
    this.files.forget(this);
  }
}

export class OpenFiles {
  private readonly disk: Disk;
  private readonly filesMax: number;
  /** Least recently used first. */
  private readonly open = new Set<BlockFile>();

  /** @param filesMax at least 1 */
  constructor(disk: Disk, filesMax: number) {
    this.disk = disk;
    this.filesMax = filesMax;
  }

  fileAt(path: string): BlockFile {
    return new BlockFile(this, path);
  }

  // Called by BlockFile

  openFile(file: BlockFile): DiskFile {
    const opened = this.disk.open(file.path, "create");
    this.open.add(file);
    return opened;
  }

  touch(file: BlockFile): void {
    this.open.delete(file);
    this.open.add(file);
    this.shrink();
  }

  forget(file: BlockFile): void {
    this.open.delete(file);
  }

  shrink(): void {
    if (this.open.size <= this.filesMax) return;
    let newest: BlockFile | undefined;
    for (const file of this.open) newest = file;
    for (const file of [...this.open]) {
      if (this.open.size <= this.filesMax) return;
      if (file !== newest && !file.isBusy) file.close();
    }
  }
}
