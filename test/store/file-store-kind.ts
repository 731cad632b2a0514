/** File stores for the contract suite: on the simulated disk or the real one, with small blocks and little memory, so that they are often cold. */
import type { Disk } from "../../src/base/disk/disk.ts";
import type { MessageStore, StoreObserver } from "../../src/store/contract/message-store.ts";
import type { StoreLimits } from "../../src/store/contract/store-limits.ts";
import { openFileStore } from "../../src/store/file/open-file-store.ts";
import { ProcessDisk } from "../doubles/process-disk.ts";
import type { SimulatedDisk } from "../doubles/simulated-disk.ts";
import { finish } from "./driven-store.ts";
import { testParts } from "./file-store-parts.ts";
import type { StoreKind, StorePlace } from "./store-kind.ts";

export interface FileKindOptions {
  readonly name: string;
  readonly disk: Disk;
  /** A directory that exists. */
  readonly directory: string;
  readonly blockBytesMax: number;
  /** Memory for the content of blocks. 1: one block at a time. */
  readonly cacheBytes: number;
  readonly compressed?: boolean;
}

export class FileStoreKind implements StoreKind {
  readonly isPersistent = true;
  private places = 0;

  constructor(readonly options: FileKindOptions) {}

  static simulated(disk: SimulatedDisk, blockBytesMax: number, cacheBytes: number): FileStoreKind {
    const directory = "/stores";
    disk.makeDirectory(directory);
    const name = `file store, simulated disk, blocks of ${blockBytesMax} bytes, ${cacheBytes} bytes of memory`;
    return new FileStoreKind({ name, disk, directory, blockBytesMax, cacheBytes });
  }

  get name(): string {
    return this.options.name;
  }

  newPlace(): StorePlace {
    return new FilePlace(this, `${this.options.directory}/${++this.places}`);
  }

  sizeOf(subject: string, header: string, payload: string): number {
    const headerSize = header.length === 0 ? 0 : header.length + 4;
    return 30 + Buffer.byteLength(subject) + headerSize + payload.length;
  }
}

function fail(text: string): never {
  throw new Error(text);
}

/** A store that was killed finds an outdated state. */
const warn = (text: string) => (/^ {2}Stream state |the process was killed$/.test(text) ? undefined : fail(text));
const NOTHING_GOES_WRONG = { notice: fail, warn, error: fail };

class FilePlace implements StorePlace {
  private process: ProcessDisk | null = null;

  constructor(
    private readonly kind: FileStoreKind,
    private readonly directory: string,
  ) {}

  async open(limits: StoreLimits, observer: StoreObserver): Promise<MessageStore> {
    const { directory, kind } = this;
    const { blockBytesMax, cacheBytes, compressed = false, disk } = kind.options;
    if (disk.status(directory) === null) {
      disk.makeDirectory(directory);
      disk.makeDirectory(`${directory}/msgs`);
    }
    this.process = new ProcessDisk(disk);
    const parts = testParts(this.process, cacheBytes);
    const options = { name: "S", directory, blockBytesMax, compressed, keys: null, relaxed: null };
    const { store } = await finish(openFileStore({ ...parts, log: NOTHING_GOES_WRONG }, options, limits, observer));
    return store;
  }

  kill(): void {
    this.process?.kill();
  }
}
