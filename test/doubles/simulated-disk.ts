/**
 * A disk in memory that fails as real disks do. A seed selects the failures.
 *
 *   write, truncate ─▶ visible content + list of changes ─ sync ─▶ durable content
 *   rename, unlink … ─▶ visible names   + list of changes ─ syncDirectory ─▶ durable names
 *   cutPower: all, none or some sectors of each file's changes survive; the first changes of each directory survive, the others do not
 * The seed chooses what survives without a sync, so many seeds show every outcome that a journalling file system allows: old
 * content, new content, a mixture of sectors, a hole of zeros, the new size with zeros, a renamed file that is empty, a rename that was undone.
 *
 * Tests plan faults: `failAt` (an error at the n-th write, sync …), `capacityBytes` (full disk, with partial writes), `cutPowerAt` (at
 * the n-th operation of any kind). After a cut every call throws `PowerFailed` until `restart`; files opened before it are unusable, and syncs
 * that were under way never settle. `lies` are defects of code that a test of durability must notice: it fails with them, or proves nothing.
 */
import { constants } from "node:os";
import { basename, dirname, normalize } from "node:path";
import type { Clock } from "../../src/base/clock/clock.ts";
import type { DirectoryEntry, DirectoryLock, Disk, DiskFile, DiskSpace, FileStatus, OpenMode } from "../../src/base/disk/disk.ts";
import { Random } from "../../src/base/random/random.ts";
import { CachedFile, type Change } from "./cached-file.ts";

/** Size of a disk without `capacityBytes`. */
const UNLIMITED_BYTES = 2 ** 50;

export interface SimulatedDiskOptions {
  readonly seed: number;
  /** Bytes that all files may hold together. */
  readonly capacityBytes?: number;
  /** The clock of syncs that take time. Without it a sync is complete before the next macrotask. */
  readonly clock?: Clock;
  /** How long a sync takes, and each part of an extension; needs `clock`. */
  readonly syncDelayMs?: (random: Random) => number;
  /** How long an asynchronous read or removal takes; needs `clock`. */
  readonly readDelayMs?: (random: Random) => number;
  /** Planted defects. */
  readonly lies?: readonly DiskLie[];
}

/** `sync`: a sync of a file does nothing and succeeds. `syncDirectory` likewise. `errors`: a failed sync of a file reports success. */
export type DiskLie = "sync" | "syncDirectory" | "errors";

export type DiskOperation =
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "extend"
  | "sync"
  | "rename"
  | "unlink"
  | "makeDirectory"
  | "removeDirectory"
  | "list"
  | "status"
  | "syncDirectory"
  | "lock"
  | "space";

/** The power is off. */
export class PowerFailed extends Error {
  override name = "PowerFailed";
}

class DirectoryNode {
  locked = false;
  visible = new Map<string, Node>();
  durable = new Map<string, Node>();
}

type Node = CachedFile | DirectoryNode;

/** One step of the journal: names that change together. */
interface NameChange {
  readonly directory: DirectoryNode;
  readonly name: string;
  /** null: the name is removed. */
  readonly node: Node | null;
}
type Step = readonly NameChange[];

interface PlannedFault {
  readonly operation: DiskOperation;
  /** Number of calls until the fault occurs. */
  calls: number;
  readonly code: string;
}

export class SimulatedDisk implements Disk {
  /** Number of operations so far; `cutPowerAt` counts them. */
  operations = 0;
  readonly random: Random;
  /** Rises with each power cut. Files opened before the cut are unusable, and syncs that were under way never settle. */
  boot = 0;
  /** Files that take space: those with a name, and those that are open. */
  readonly files = new Set<CachedFile>();
  private readonly root = new DirectoryNode();
  private steps: Step[] = [];
  private faults: PlannedFault[] = [];
  private cutAt = Number.POSITIVE_INFINITY;
  private powered = true;
  private powerWatchers: ((error: PowerFailed) => void)[] = [];

  constructor(private readonly options: SimulatedDiskOptions) {
    this.random = new Random(options.seed);
  }

  // Faults

  /** The n-th operation of this kind from now on fails, 1 being the next; a failing write may leave a first part of its bytes. */
  failAt(operation: DiskOperation, nth: number, code = "EIO"): void {
    this.faults.push({ operation, calls: nth, code });
  }

  /** The power fails during the n-th operation of any kind from now on, 1 being the next. */
  cutPowerAt(nth: number): void {
    this.cutAt = this.operations + nth;
  }

  cutPower(): void {
    this.powered = false;
    this.boot++;
    this.cutAt = Number.POSITIVE_INFINITY;
    this.faults = [];
    this.loseNames();
    const reached = new Set<Node>();
    this.restore(this.root, reached);
    const watchers = this.powerWatchers;
    this.powerWatchers = [];
    for (const fail of watchers) fail(new PowerFailed("the power failed"));
  }

  /** Waits for work of a process on this disk. Rejects if the power fails before it settles: what it waits for may never come. */
  whilePowered<T>(work: Promise<T>): Promise<T> {
    const failure = new Promise<never>((_, reject) => this.powerWatchers.push(reject));
    return Promise.race([work, failure]);
  }

  /** Turns the power on again; only durable content is left. */
  restart(): void {
    this.powered = true;
  }

  // Disk

  open(path: string, mode: OpenMode): DiskFile {
    return this.run("open", path, "open", () => {
      const [directory, name] = this.parentOf(path, "open");
      const existing = name === "" ? directory : directory.visible.get(name);
      const makes = mode === "create" || mode === "replace" || mode === "exclusive";
      if (existing === undefined && !makes) throw systemError("ENOENT", "open", path);
      if (existing !== undefined && mode === "exclusive") throw systemError("EEXIST", "open", path);
      if (existing instanceof DirectoryNode) throw systemError("EISDIR", "open", path);
      const node = existing ?? new CachedFile();
      if (existing === undefined) this.changeNames([{ directory, name, node }]);
      else if (mode === "replace" && node.visible.size > 0) node.change({ position: 0, bytes: null });
      return new SimulatedFile(this, path, node, mode !== "read");
    });
  }

  readFile(path: string): Buffer {
    const file = this.open(path, "read");
    try {
      const content = Buffer.alloc(file.size);
      file.readAt(0, content);
      return content;
    } finally {
      file.close();
    }
  }

  writeFile(path: string, content: Uint8Array): void {
    const file = this.open(path, "replace");
    try {
      file.append(content);
    } finally {
      file.close();
    }
  }

  status(path: string): FileStatus | null {
    return this.run("status", path, "stat", () => {
      const node = this.find(path, "stat");
      if (node === null) return null;
      return node instanceof CachedFile ? { kind: "file", size: node.visible.size } : { kind: "directory", size: 0 };
    });
  }

  rename(from: string, to: string): void {
    this.run("rename", from, "rename", () => {
      const [source, oldName] = this.parentOf(from, "rename");
      const [target, newName] = this.parentOf(to, "rename");
      const node = source.visible.get(oldName);
      const replaced = target.visible.get(newName);
      if (node === undefined) throw systemError("ENOENT", "rename", from);
      if (node === replaced) return;
      if (`${normalize(to)}/`.startsWith(`${normalize(from)}/`)) throw systemError("EINVAL", "rename", from);
      if (`${normalize(from)}/`.startsWith(`${normalize(to)}/`)) throw systemError("ENOTEMPTY", "rename", from);
      if (node instanceof CachedFile && replaced instanceof DirectoryNode) throw systemError("EISDIR", "rename", from);
      if (node instanceof DirectoryNode && replaced instanceof CachedFile) throw systemError("ENOTDIR", "rename", from);
      if (replaced instanceof DirectoryNode && replaced.visible.size > 0) throw systemError("ENOTEMPTY", "rename", from);
      this.changeNames([
        { directory: source, name: oldName, node: null },
        { directory: target, name: newName, node },
      ]);
    });
  }

  unlink(path: string): void {
    this.run("unlink", path, "unlink", () => {
      const [directory, name] = this.parentOf(path, "unlink");
      const node = directory.visible.get(name);
      if (node === undefined) throw systemError("ENOENT", "unlink", path);
      if (node instanceof DirectoryNode) throw systemError("EISDIR", "unlink", path);
      this.changeNames([{ directory, name, node: null }]);
    });
  }

  async unlinkAsync(path: string): Promise<void> {
    await this.wait("read");
    this.unlink(path);
  }

  makeDirectory(path: string): void {
    this.run("makeDirectory", path, "mkdir", () => {
      const [directory, name] = this.parentOf(path, "mkdir");
      if (name === "" || directory.visible.has(name)) throw systemError("EEXIST", "mkdir", path);
      this.changeNames([{ directory, name, node: new DirectoryNode() }]);
    });
  }

  removeDirectory(path: string): void {
    this.run("removeDirectory", path, "rmdir", () => {
      const [directory, name] = this.parentOf(path, "rmdir");
      const node = directory.visible.get(name);
      if (node === undefined) throw systemError("ENOENT", "rmdir", path);
      if (node instanceof CachedFile) throw systemError("ENOTDIR", "rmdir", path);
      if (node.visible.size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
      this.changeNames([{ directory, name, node: null }]);
    });
  }

  list(path: string): DirectoryEntry[] {
    return this.run("list", path, "scandir", () => {
      const names = [...this.directoryAt(path, "scandir").visible];
      return names.map(([name, node]) => ({ name, isDirectory: node instanceof DirectoryNode })).sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async syncDirectory(path: string): Promise<void> {
    const finish = this.startDirectorySync(path);
    await this.wait("sync");
    finish();
  }

  syncDirectoryNow(path: string): void {
    this.startDirectorySync(path)();
  }

  lockDirectory(path: string): DirectoryLock {
    return this.run("lock", path, "flock", () => {
      const directory = this.directoryAt(path, "open");
      if (directory.locked) throw systemError("EWOULDBLOCK", "flock", path);
      directory.locked = true;
      const { boot } = this;
      return {
        release: () => {
          if (this.boot === boot) directory.locked = false;
        },
      };
    });
  }

  space(path: string): DiskSpace {
    return this.run("space", path, "statfs", () => {
      if (this.find(path, "statfs") === null) throw systemError("ENOENT", "statfs", path);
      return { freeBytes: this.freeBytes(), totalBytes: this.options.capacityBytes ?? UNLIMITED_BYTES };
    });
  }

  // Used by SimulatedFile

  /** Counts an operation, lets it fail or the power fail as planned, and runs it. */
  run<T>(operation: DiskOperation, path: string | null, syscall: string, body: () => T, fail: (code: string) => void = () => {}): T {
    if (!this.powered) throw new PowerFailed("the power is off");
    this.operations++;
    const cuts = this.operations === this.cutAt;
    if (cuts && this.random.chance(0.5)) this.failPower();
    const code = this.plannedFault(operation);
    if (code !== null) {
      fail(code);
      throw systemError(code, syscall, path);
    }
    const result = body();
    if (cuts) this.failPower();
    return result;
  }

  /** The code of the error that this operation was asked to fail with. */
  plannedFault(operation: DiskOperation): string | null {
    let code: string | null = null;
    for (const fault of this.faults) if (fault.operation === operation && --fault.calls === 0) code = fault.code;
    this.faults = this.faults.filter(({ calls }) => calls > 0);
    return code;
  }

  freeBytes(): number {
    const { capacityBytes } = this.options;
    if (capacityBytes === undefined) return UNLIMITED_BYTES;
    let used = 0;
    for (const node of this.files) used += node.visible.size;
    return Math.max(0, capacityBytes - used);
  }

  /** Updates `files` after the number of names or handles of a file changed. */
  keep(node: CachedFile): void {
    if (node.names > 0 || node.handles > 0) this.files.add(node);
    else this.files.delete(node);
  }

  lies(lie: DiskLie): boolean {
    return this.options.lies?.includes(lie) ?? false;
  }

  /** Waits until a sync or read is complete. Never settles if the power fails meanwhile. */
  wait(kind: "sync" | "read"): Promise<void> {
    const { clock, syncDelayMs, readDelayMs } = this.options;
    const delayMs = kind === "sync" ? syncDelayMs : readDelayMs;
    const { boot } = this;
    return new Promise(resolve => {
      const done = () => this.boot === boot && resolve();
      if (clock === undefined) queueMicrotask(done);
      else clock.after(delayMs?.(this.random) ?? 0, done);
    });
  }

  // Internal

  private failPower(): never {
    this.cutPower();
    throw new PowerFailed("the power failed");
  }

  private startDirectorySync(path: string): () => void {
    let fault: string | null = null;
    let steps = new Set<Step>();
    const start = () => {
      steps = this.stepsOf(this.directoryAt(path, "open"));
    };
    const code = () => {
      start();
      fault = "failed";
    };
    try {
      this.run("syncDirectory", null, "fsync", start, code);
    } catch (error) {
      if (fault === null) throw error;
      return () => {
        // As after a failed sync of a file: these changes may be durable or not, and no later sync covers them.
        this.steps = this.steps.filter(step => {
          if (!steps.has(step)) return true;
          if (this.random.chance(0.5)) this.makeDurable(step);
          return false;
        });
        throw error;
      };
    }
    return () => {
      if (this.lies("syncDirectory")) return;
      this.steps = this.steps.filter(step => {
        if (steps.has(step)) this.makeDurable(step);
        return !steps.has(step);
      });
    };
  }

  /** The changes of a directory's names, and the earlier changes of other directories that they depend on. */
  private stepsOf(directory: DirectoryNode): Set<Step> {
    const directories = new Set([directory]);
    const steps = new Set<Step>();
    for (const step of this.steps.toReversed()) {
      if (!step.some(change => directories.has(change.directory))) continue;
      steps.add(step);
      for (const change of step) directories.add(change.directory);
    }
    return steps;
  }

  private makeDurable(step: Step): void {
    for (const { directory, name, node } of step) {
      if (node === null) directory.durable.delete(name);
      else directory.durable.set(name, node);
    }
  }

  /** Keeps the first changes of each directory and drops the others; a step in two directories survives in both or in neither. */
  private loseNames(): void {
    const stopped = new Set<DirectoryNode>();
    const survivalRatio = this.random.pick([0, 0.5, 0.9, 1]);
    for (const step of this.steps) {
      const survives = !step.some(({ directory }) => stopped.has(directory)) && this.random.chance(survivalRatio);
      if (survives) this.makeDurable(step);
      else for (const { directory } of step) stopped.add(directory);
    }
    this.steps = [];
    this.files.clear();
  }

  private restore(directory: DirectoryNode, reached: Set<Node>): void {
    directory.locked = false;
    directory.visible = new Map(directory.durable);
    for (const node of directory.visible.values()) {
      if (!reached.has(node)) {
        reached.add(node);
        if (node instanceof DirectoryNode) this.restore(node, reached);
        else node.losePower(this.random);
      }
      if (node instanceof CachedFile) {
        node.names++;
        this.keep(node);
      }
    }
  }

  private changeNames(step: Step): void {
    for (const { directory, name, node } of step) {
      const before = directory.visible.get(name);
      if (node === null) directory.visible.delete(name);
      else directory.visible.set(name, node);
      if (node instanceof CachedFile) node.names++;
      if (before instanceof CachedFile) before.names--;
      if (node instanceof CachedFile) this.keep(node);
      if (before instanceof CachedFile) this.keep(before);
    }
    this.steps.push(step);
  }

  private find(path: string, syscall: string): Node | null {
    let node: Node = this.root;
    for (const name of namesIn(path)) {
      if (node instanceof CachedFile) throw systemError("ENOTDIR", syscall, path);
      const next = node.visible.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  private directoryAt(path: string, syscall: string): DirectoryNode {
    const node = this.find(path, syscall);
    if (node === null) throw systemError("ENOENT", syscall, path);
    if (node instanceof CachedFile) throw systemError("ENOTDIR", syscall, path);
    return node;
  }

  /** The parent directory and the last name of a path; for the root: the root and an empty name. */
  private parentOf(path: string, syscall: string): [DirectoryNode, string] {
    const names = namesIn(path);
    if (names.length === 0) return [this.root, ""];
    const parent = this.find(dirname(normalize(path)), syscall);
    if (parent === null) throw systemError("ENOENT", syscall, path);
    if (parent instanceof CachedFile) throw systemError("ENOTDIR", syscall, path);
    return [parent, basename(path)];
  }
}

class SimulatedFile implements DiskFile {
  size: number;
  private readonly boot: number;
  private open = true;

  constructor(
    private readonly disk: SimulatedDisk,
    readonly path: string,
    private readonly node: CachedFile,
    private readonly writable: boolean,
  ) {
    this.boot = disk.boot;
    this.size = node.visible.size;
    node.handles++;
    disk.keep(node);
  }

  readAt(position: number, target: Uint8Array, start = 0, end = target.length): number {
    return this.run("read", "read", file => this.copyOut(file, position, target, start, end));
  }

  writeAt(position: number, source: Uint8Array, start = 0, end = source.length): void {
    if (start === end) return;
    const bytes = Uint8Array.from(source.subarray(start, end)); // a slice of a Buffer would be a view of the memory, which is used again
    let failure: string | null = null;
    this.run(
      "write",
      "write",
      file => {
        this.mustBeWritable("write");
        const room = file.visible.size + this.disk.freeBytes() - position;
        if (room < bytes.length) failure = "ENOSPC";
        this.put(file, position, bytes.subarray(0, Math.max(0, Math.min(room, bytes.length))));
      },
      file => this.put(file, position, bytes.subarray(0, this.disk.random.below(bytes.length + 1))),
    );
    if (failure !== null) throw systemError(failure, "write", null);
  }

  append(source: Uint8Array, start = 0, end = source.length): void {
    this.writeAt(this.size, source, start, end);
  }

  truncate(size: number): void {
    this.run("truncate", "ftruncate", file => {
      if (!this.writable) throw systemError("EINVAL", "ftruncate", null);
      file.change({ position: size, bytes: null });
      this.size = size;
    });
  }

  async readAsync(position: number, target: Uint8Array, start = 0, end = target.length): Promise<number> {
    this.mustBeOpen("read");
    await this.disk.wait("read");
    return this.runAfterWait("read", "read", file => this.copyOut(file, position, target, start, end));
  }

  async extend(bytes: number): Promise<void> {
    this.mustBeOpen("write");
    await this.disk.wait("sync");
    let failure: string | null = null;
    const put = (file: CachedFile, count: number) => this.put(file, file.visible.size, Buffer.alloc(count));
    this.runAfterWait(
      "extend",
      "write",
      file => {
        this.mustBeWritable("write");
        const room = this.disk.freeBytes();
        if (room < bytes) failure = "ENOSPC";
        put(file, Math.min(room, bytes));
      },
      file => put(file, this.disk.random.below(bytes + 1)),
    );
    if (failure !== null) throw systemError(failure, "write", null);
    await this.finishSync();
  }

  async sync(): Promise<void> {
    this.mustBeOpen("fdatasync");
    await this.finishSync();
  }

  syncNow(): void {
    this.mustBeOpen("fdatasync");
    this.startSync()();
  }

  close(): void {
    if (!this.open) throw new Error(`${this.path} is closed twice`);
    this.open = false;
    if (this.boot !== this.disk.boot) return;
    this.node.handles--;
    this.disk.keep(this.node);
  }

  private async finishSync(): Promise<void> {
    const finish = this.startSync();
    await this.disk.wait("sync");
    finish();
  }

  private startSync(): () => void {
    let covered = new Set<Change>();
    let file: CachedFile | null = null;
    const start = (node: CachedFile) => {
      file = node;
      covered = new Set(node.changes);
    };
    let failed = false;
    try {
      this.runAfterWait("sync", "fdatasync", start, node => {
        failed = true;
        start(node);
      });
    } catch (error) {
      if (!failed) throw error;
      return () => {
        file?.settle(covered, this.disk.random, true);
        if (!this.disk.lies("errors")) throw error;
      };
    }
    return () => {
      if (!this.disk.lies("sync")) file?.settle(covered, this.disk.random, false);
    };
  }

  private run<T>(operation: DiskOperation, syscall: string, body: (file: CachedFile) => T, fail: (file: CachedFile) => void = () => {}): T {
    this.mustBeOpen(syscall);
    return this.runAfterWait(operation, syscall, body, fail);
  }

  private mustBeOpen(syscall: string): void {
    if (!this.open && this.boot === this.disk.boot) throw systemError("EBADF", syscall, null);
  }

  /** The file may have been closed meanwhile. */
  private runAfterWait<T>(
    operation: DiskOperation,
    syscall: string,
    body: (file: CachedFile) => T,
    fail: (file: CachedFile) => void = () => {},
  ): T {
    if (this.boot !== this.disk.boot) throw new PowerFailed("the file was opened before the power failed");
    const { node } = this;
    return this.disk.run(
      operation,
      null,
      syscall,
      () => body(node),
      () => fail(node),
    );
  }

  private mustBeWritable(syscall: string): void {
    if (!this.writable) throw systemError("EBADF", syscall, null);
  }

  private copyOut(file: CachedFile, position: number, target: Uint8Array, start: number, end: number): number {
    const stop = Math.min(file.visible.size, position + end - start);
    if (stop <= position) return 0;
    target.set(file.visible.bytes.subarray(position, stop), start);
    return stop - position;
  }

  private put(file: CachedFile, position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    file.change({ position, bytes });
    this.size = Math.max(this.size, position + bytes.length);
  }
}

function namesIn(path: string): string[] {
  return normalize(path)
    .split("/")
    .filter(name => name !== "" && name !== ".");
}

/** An error as `node:fs` throws it. */
function systemError(code: string, syscall: string, path: string | null): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall}${path === null ? "" : ` '${path}'`}`);
  error.code = code;
  error.errno = -(constants.errno as Record<string, number>)[code];
  error.syscall = syscall;
  if (path !== null) error.path = path;
  return error;
}
