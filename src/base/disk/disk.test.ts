/** The contract of every disk, run against the machine's and the simulated one, which are also compared over random operations. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { Random } from "../random/random.ts";
import type { Job } from "../scheduling/job.ts";
import { PAUSE } from "../scheduling/sliced.ts";
import type { Disk, DiskFile, OpenMode } from "./disk.ts";
import { removeTree } from "./remove-tree.ts";
import { replaceFile, replaceFileNow } from "./replace-file.ts";
import { SYSTEM_DISK } from "./system-disk.ts";

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A disk and an empty directory on it. */
interface TestDisk {
  readonly disk: Disk;
  readonly directory: string;
}

const DISKS: Record<string, () => TestDisk> = {
  "the machine's disk": () => {
    const directory = mkdtempSync(join(tmpdir(), "disk-"));
    directories.push(directory);
    return { disk: SYSTEM_DISK, directory };
  },
  "the simulated disk": () => ({ disk: new SimulatedDisk({ seed: seedFromEnv() }), directory: "/" }),
};

const bytes = (text: string) => Buffer.from(text, "latin1");

function write(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, "replace");
  file.append(bytes(text));
  file.close();
}

/** Runs a job without a scheduler. */
async function finish<T>(job: Job<T>): Promise<T> {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
    if (step.value !== PAUSE) await step.value;
  }
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return "none";
}

for (const [name, testDisk] of Object.entries(DISKS)) {
  describe(name, () => {
    test("writeFile replaces the content of a file, or creates it", () => {
      const { disk, directory } = testDisk();
      const path = join(directory, "w");
      for (const content of ["4711 and more", "42", ""]) {
        disk.writeFile(path, bytes(content), 0o600);
        expect(disk.readFile(path).toString()).toBe(content);
      }
      expect(codeOf(() => disk.writeFile(join(directory, "no", "w"), bytes("x"), 0o600))).toBe("ENOENT");
    });

    test("the mode decides whether the file may or must exist, and whether it keeps its content", () => {
      const { disk, directory } = testDisk();
      const path = join(directory, "a");
      for (const mode of ["read", "write"] as const)
        expect(
          codeOf(() => disk.open(path, mode)),
          mode,
        ).toBe("ENOENT");
      for (const mode of ["create", "replace", "exclusive"] as const) {
        const file = disk.open(path, mode);
        expect(file.size).toBe(0);
        file.close();
        disk.unlink(path);
      }
      write(disk, path, "content");
      expect(codeOf(() => disk.open(path, "exclusive"))).toBe("EEXIST");
      for (const [mode, size] of [
        ["read", 7],
        ["write", 7],
        ["create", 7],
        ["replace", 0],
      ] as const) {
        const file = disk.open(path, mode);
        expect(file.size, mode).toBe(size);
        file.close();
      }
    });

    test("files are read and written at any position; gaps are zeros, and a read at the end is short", () => {
      const { disk, directory } = testDisk();
      const file = disk.open(join(directory, "a"), "create");
      file.append(bytes("xxhelloxx"), 2, 7);
      file.append(bytes(" world"));
      file.writeAt(13, bytes("!"));
      file.writeAt(0, bytes("H"));
      expect(file.size).toBe(14);
      const target = Buffer.alloc(20, "-");
      expect([file.readAt(6, target, 2, 7), target.toString("latin1", 0, 8)]).toEqual([5, "--world-"]);
      expect([file.readAt(9, target), target.toString("latin1", 0, 5)]).toEqual([5, "ld\0\0!"]);
      expect([file.readAt(14, target), file.readAt(100, target), file.readAt(0, target, 3, 3)]).toEqual([0, 0, 0]);
      file.append(bytes("x"), 1, 1);
      expect(file.size).toBe(14);
      file.close();
      expect(disk.readFile(join(directory, "a"))).toEqual(bytes("Hello world\0\0!"));
    });

    test("a file that is shortened and extended again has zeros there", () => {
      const { disk, directory } = testDisk();
      const file = disk.open(join(directory, "a"), "create");
      file.append(bytes("abcdef"));
      file.truncate(2);
      file.truncate(5);
      expect(file.size).toBe(5);
      file.append(bytes("g"));
      file.close();
      expect(disk.readFile(join(directory, "a"))).toEqual(bytes("ab\0\0\0g"));
    });

    test("bytes written by one handle are read by another without a sync", () => {
      const { disk, directory } = testDisk();
      const writer = disk.open(join(directory, "a"), "create");
      const reader = disk.open(join(directory, "a"), "read");
      writer.append(bytes("abc"));
      const target = Buffer.alloc(3);
      expect([reader.readAt(0, target), target.toString()]).toEqual([3, "abc"]);
      expect(codeOf(() => reader.writeAt(0, bytes("x")))).toBe("EBADF");
      expect(codeOf(() => reader.truncate(0))).toBe("EINVAL");
      writer.close();
      reader.close();
    });

    test("a rename replaces the target; an open handle keeps its file after renames and removals", () => {
      const { disk, directory } = testDisk();
      const [a, b] = [join(directory, "a"), join(directory, "b")];
      write(disk, a, "new");
      write(disk, b, "old");
      const old = disk.open(b, "read");
      disk.rename(a, b);
      expect([disk.status(a), disk.readFile(b).toString()]).toEqual([null, "new"]);
      disk.unlink(b);
      const target = Buffer.alloc(3);
      expect([old.readAt(0, target), target.toString()]).toEqual([3, "old"]);
      old.close();
      expect(disk.list(directory)).toEqual([]);
    });

    test("directories are created one level at a time, listed in order, and removed only when empty", () => {
      const { disk, directory } = testDisk();
      const inner = join(directory, "b");
      expect(codeOf(() => disk.makeDirectory(join(inner, "c")))).toBe("ENOENT");
      disk.makeDirectory(inner);
      expect(codeOf(() => disk.makeDirectory(inner))).toBe("EEXIST");
      write(disk, join(inner, "x"), "");
      write(disk, join(directory, "a"), "1");
      expect(disk.list(directory)).toEqual([
        { name: "a", isDirectory: false },
        { name: "b", isDirectory: true },
      ]);
      expect([disk.status(join(directory, "a")), disk.status(inner)?.kind]).toEqual([{ kind: "file", size: 1 }, "directory"]);
      expect(codeOf(() => disk.removeDirectory(inner))).toBe("ENOTEMPTY");
      disk.unlink(join(inner, "x"));
      disk.removeDirectory(inner);
      expect(disk.status(inner)).toBeNull();
    });

    test("a wrong kind of path is refused", () => {
      const { disk, directory } = testDisk();
      const [file, inner, missing] = [join(directory, "f"), join(directory, "d"), join(directory, "m")];
      write(disk, file, "x");
      disk.makeDirectory(inner);
      expect(codeOf(() => disk.open(inner, "write"))).toBe("EISDIR");
      expect(codeOf(() => disk.readFile(inner))).toBe("EISDIR");
      expect(codeOf(() => disk.open(join(file, "x"), "create"))).toBe("ENOTDIR");
      expect(codeOf(() => disk.open(join(missing, "x"), "create"))).toBe("ENOENT");
      expect(codeOf(() => disk.list(file))).toBe("ENOTDIR");
      expect(codeOf(() => disk.list(missing))).toBe("ENOENT");
      expect(codeOf(() => disk.unlink(missing))).toBe("ENOENT");
      expect(codeOf(() => disk.rename(missing, file))).toBe("ENOENT");
      expect(codeOf(() => disk.rename(file, inner))).toBe("EISDIR");
      expect(codeOf(() => disk.rename(inner, file))).toBe("ENOTDIR");
      expect(codeOf(() => disk.removeDirectory(file))).toBe("ENOTDIR");
      expect(codeOf(() => disk.syncDirectoryNow(missing))).toBe("ENOENT");
      try {
        disk.open(join(missing, "x"), "create");
      } catch (error) {
        const { syscall, path } = error as NodeJS.ErrnoException;
        expect([syscall, path]).toEqual(["open", join(missing, "x")]);
      }
    });

    test("several syncs at once settle, also when the file is closed meanwhile", async () => {
      const { disk, directory } = testDisk();
      const file = disk.open(join(directory, "a"), "create");
      file.append(bytes("one"));
      const first = file.sync();
      file.append(bytes("two"));
      const second = file.sync();
      file.close();
      await Promise.all([first, second, disk.syncDirectory(directory)]);
      const again = disk.open(join(directory, "a"), "write");
      again.append(bytes("!"));
      again.syncNow();
      again.close();
      disk.syncDirectoryNow(directory);
      expect(disk.readFile(join(directory, "a")).toString()).toBe("onetwo!");
      expect(await disk.syncDirectory(join(directory, "missing")).catch(error => error.code)).toBe("ENOENT");
    });

    test("asynchronous reads give what synchronous ones give, also when the file is closed meanwhile", async () => {
      const { disk, directory } = testDisk();
      const file = disk.open(join(directory, "a"), "create");
      file.append(bytes("0123456789"));
      const target = Buffer.alloc(20, "-");
      expect([await file.readAsync(6, target, 2, 12), target.toString("latin1", 0, 8)]).toEqual([4, "--6789--"]);
      expect([await file.readAsync(10, target), await file.readAsync(0, target, 3, 3)]).toEqual([0, 0]);
      const late = file.readAsync(1, target, 0, 3);
      file.close();
      expect([await late, target.toString("latin1", 0, 3)]).toEqual([3, "123"]);
      expect(await disk.open(join(directory, "a"), "write").readAsync(0, target, 0, 1)).toBe(1);
    });

    test("an extension appends zeros, after what is written meanwhile", async () => {
      const { disk, directory } = testDisk();
      const file = disk.open(join(directory, "a"), "create");
      file.append(bytes("abc"));
      await file.extend(300_000);
      expect(file.size).toBe(300_003);
      file.writeAt(3, bytes("def"));
      const extending = file.extend(10);
      file.writeAt(300_000, bytes("0123456789"));
      await extending;
      expect(file.size).toBe(300_020);
      const content = disk.readFile(file.path);
      expect(content.toString("latin1", 0, 6)).toBe("abcdef");
      expect(content.subarray(6, 300_000)).toEqual(Buffer.alloc(299_994));
      expect(content.subarray(300_000).toString("latin1").replaceAll("\0", "")).toBe("0123456789");
      file.truncate(6);
      const late = file.extend(4);
      file.close();
      await late;
      expect(disk.readFile(file.path)).toEqual(bytes("abcdef\0\0\0\0"));
    });

    test("a tree is removed with everything in it; one that is missing already counts as removed", async () => {
      const { disk, directory } = testDisk();
      const tree = join(directory, "t");
      for (const path of [tree, join(tree, "inner"), join(tree, "inner", "empty")]) disk.makeDirectory(path);
      for (const path of [join(tree, "1"), join(tree, "inner", "2"), join(directory, "kept")]) write(disk, path, path);
      await finish(removeTree(disk, tree));
      await finish(removeTree(disk, tree));
      expect(disk.list(directory).map(({ name }) => name)).toEqual(["kept"]);
      expect(await disk.unlinkAsync(tree).catch(error => error.code)).toBe("ENOENT");
    });

    test("a directory is locked by one at a time", () => {
      const { disk, directory } = testDisk();
      const [a, b] = [join(directory, "a"), join(directory, "b")];
      for (const path of [a, b]) disk.makeDirectory(path);
      const lock = disk.lockDirectory(a);
      expect(codeOf(() => disk.lockDirectory(a))).toBe("EWOULDBLOCK");
      disk.lockDirectory(b).release();
      lock.release();
      disk.lockDirectory(a).release();
      expect(disk.list(a)).toEqual([]);
      expect(codeOf(() => disk.lockDirectory(join(directory, "m")))).toBe("ENOENT");
    });

    test("reports the free space", () => {
      const { disk, directory } = testDisk();
      const { freeBytes, totalBytes } = disk.space(directory);
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });

    test("a file is replaced atomically, synchronously or not; a failure leaves only the old file", async () => {
      const { disk, directory } = testDisk();
      const path = join(directory, "a");
      const replacement = { path, temporary: join(directory, "a.tmp"), mode: "exclusive", permissions: 0o600 } as const;
      await replaceFile(disk, replacement, bytes("one"));
      expect(disk.readFile(path).toString()).toBe("one");
      replaceFileNow(disk, replacement, bytes("two"));
      expect(disk.readFile(path).toString()).toBe("two");
      const blocked = join(directory, "d");
      disk.makeDirectory(blocked);
      expect(codeOf(() => replaceFileNow(disk, { ...replacement, path: blocked }, bytes("three")))).toBe("EISDIR");
      expect(await replaceFile(disk, { ...replacement, path: blocked }, bytes("three")).catch(error => error.code)).toBe("EISDIR");
      expect(disk.list(directory).map(entry => entry.name)).toEqual(["a", "d"]);
      write(disk, replacement.temporary, "another writer's");
      expect(codeOf(() => replaceFileNow(disk, replacement, bytes("three")))).toBe("EEXIST");
      expect(disk.readFile(replacement.temporary).toString()).toBe("another writer's");
    });
  });
}

/** Performs one random operation. @returns its result as text, so that two disks can be compared */
function act(random: Random, { disk, directory }: TestDisk, handles: Map<string, DiskFile>): string {
  const pathOf = () => join(directory, random.pick(["a", "b", "d", "d/a", "d/b", "d/e", "a/x", "e"]));
  const path = pathOf();
  const content = Buffer.alloc(random.below(3_000), random.below(256));
  const [position, size] = [random.below(4_000), random.below(4_000)];
  const mode = random.pick<OpenMode>(["read", "write", "create", "replace", "exclusive"]);
  const slot = String(random.below(3));
  const held = handles.get(slot);
  const target = pathOf();
  const close = () => {
    handles.get(slot)?.close();
    handles.delete(slot);
  };
  const actions: (() => unknown)[] = [
    () => {
      close();
      handles.set(slot, disk.open(path, mode));
      return "opened";
    },
    () => {
      held?.writeAt(position, content);
      return held?.size;
    },
    () => {
      held?.append(content);
      return held?.size;
    },
    () => {
      held?.truncate(size);
      return held?.size;
    },
    () => {
      const into = Buffer.alloc(size);
      return [held?.readAt(position, into), Bun.hash(into)];
    },
    () => held?.syncNow(),
    () => Bun.hash(disk.readFile(path)),
    () => disk.status(path)?.kind,
    () => disk.rename(path, target),
    () => disk.unlink(path),
    () => disk.makeDirectory(path),
    () => disk.removeDirectory(path),
    () => disk.list(path),
    () => disk.syncDirectoryNow(path),
    close,
  ];
  const action = random.pick(actions);
  try {
    return Bun.inspect(action());
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

test("fuzz: both disks give the same results for the same operations", () => {
  const seed = seedFromEnv();
  for (let round = 0; round < 40; round++) {
    const testDisks = Object.values(DISKS).map(testDisk => testDisk());
    const logs = testDisks.map(testDisk => {
      const random = new Random(seed + round);
      const handles = new Map<string, DiskFile>();
      const log = Array.from({ length: 150 }, () => act(random, testDisk, handles));
      for (const file of handles.values()) file.close();
      return log;
    });
    expect(logs[0], `SEED=${seed} round=${round}`).toEqual(logs[1]);
  }
});
