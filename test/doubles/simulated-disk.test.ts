import { expect, test } from "bun:test";
import { replaceFile } from "../../src/base/disk/replace-file.ts";
import { FakeClock } from "./fake-clock.ts";
import { type DiskLie, PowerFailed, SimulatedDisk, type SimulatedDiskOptions } from "./simulated-disk.ts";

const SEEDS = Array.from({ length: 200 }, (_, index) => index);
const text = (disk: SimulatedDisk, path: string) => (disk.status(path) === null ? null : disk.readFile(path).toString("latin1"));

/** Runs a scenario and a power cut with many seeds. @returns each different outcome once */
function outcomes<T>(
  scenario: (disk: SimulatedDisk) => void,
  look: (disk: SimulatedDisk) => T,
  options?: Partial<SimulatedDiskOptions>,
): T[] {
  const found = new Map<string, T>();
  for (const seed of SEEDS) {
    const disk = new SimulatedDisk({ seed, ...options });
    scenario(disk);
    disk.cutPower();
    disk.restart();
    const outcome = look(disk);
    found.set(JSON.stringify(outcome), outcome);
  }
  return [...found.keys()].sort().map(key => found.get(key)!);
}

/** Makes a durable file with this content. */
function durable(disk: SimulatedDisk, path: string, content: string): void {
  const file = disk.open(path, "create");
  file.append(Buffer.from(content));
  file.syncNow();
  file.close();
  disk.syncDirectoryNow("/");
}

test("bytes that were not synced survive, are lost, or are torn at sectors", () => {
  const found = outcomes(
    disk => {
      durable(disk, "/a", "old ");
      const file = disk.open("/a", "write");
      file.append(Buffer.from("x".repeat(508) + "y".repeat(512)));
    },
    disk => text(disk, "/a"),
  );
  const [x, y, hole] = ["x".repeat(508), "y".repeat(512), "\0".repeat(508)];
  const zeros = "\0".repeat(1020);
  expect(found.sort()).toEqual(["old ", `old ${x}`, `old ${x}${y}`, `old ${hole}${y}`, `old ${zeros}`].sort());
});

test("zeros of an extension that completed are durable, records written into them are not; a record before the end is never lost", async () => {
  const found = new Set<string | null>();
  for (const seed of SEEDS) {
    const disk = new SimulatedDisk({ seed });
    durable(disk, "/a", "ab");
    const file = disk.open("/a", "write");
    await file.extend(3);
    file.writeAt(2, Buffer.from("c"));
    disk.cutPower();
    disk.restart();
    found.add(text(disk, "/a"));
  }
  expect(found).toEqual(new Set(["ab\0\0\0", "abc\0\0"]));
});

test("a lie is noticed by the power cut only", async () => {
  const outcome = async (lies: DiskLie[], fails: boolean) => {
    const found = new Set<string | null>();
    for (const seed of SEEDS) {
      const disk = new SimulatedDisk({ seed, lies });
      const file = disk.open("/a", "create");
      file.append(Buffer.from("x"));
      if (fails) disk.failAt("sync", 1);
      await file.sync().catch(error => found.add(error.code));
      await disk.syncDirectory("/");
      expect(text(disk, "/a")).toBe("x");
      disk.cutPower();
      disk.restart();
      found.add(text(disk, "/a"));
    }
    return [...found].sort();
  };
  expect(await outcome([], false)).toEqual(["x"]);
  expect(await outcome(["sync"], false)).toEqual(["", "\0", "x"]);
  expect(await outcome(["syncDirectory"], false)).toEqual([null, "x"]);
  expect(await outcome([], true)).toEqual(["", "\0", "EIO", "x"]);
  expect(await outcome(["errors"], true)).toEqual(["", "\0", "x"]);
});

test("a lock ends with the power", () => {
  const disk = new SimulatedDisk({ seed: 1 });
  const lock = disk.lockDirectory("/");
  expect(() => disk.lockDirectory("/")).toThrow("EWOULDBLOCK");
  disk.cutPower();
  disk.restart();
  const other = disk.lockDirectory("/");
  lock.release(); // of the process that is gone
  expect(() => disk.lockDirectory("/")).toThrow("EWOULDBLOCK");
  other.release();
});

test("bytes that were synced survive; those written after the call do not count", () => {
  const found = outcomes(
    disk => {
      durable(disk, "/a", "synced");
      const file = disk.open("/a", "write");
      file.append(Buffer.from(" first"));
      void file.sync();
      file.append(Buffer.from(" second"));
    },
    disk => text(disk, "/a"),
  );
  for (const content of found) expect(content).toStartWith("synced");
  expect(found).toContain("synced");
});

test("a sync takes time on the clock, covers what was written before it, and never settles when the power fails meanwhile", async () => {
  const clock = new FakeClock();
  const disk = new SimulatedDisk({ seed: 1, clock, syncDelayMs: random => random.between(5, 10) });
  durable(disk, "/a", "");
  const file = disk.open("/a", "write");
  const settled: string[] = [];
  const sync = (name: string) => void file.sync().then(() => settled.push(name));
  file.append(Buffer.from("one"));
  sync("one");
  clock.advance(4);
  await Promise.resolve();
  expect(settled).toEqual([]);
  clock.advance(6);
  await Bun.sleep(0);
  expect(settled).toEqual(["one"]);
  file.append(Buffer.from("two"));
  sync("two");
  disk.cutPower();
  clock.advance(100);
  await Bun.sleep(0);
  expect(settled).toEqual(["one"]);
  expect(() => file.append(Buffer.from("three"))).toThrow(PowerFailed);
  disk.restart();
  expect(() => file.append(Buffer.from("three"))).toThrow(PowerFailed);
  expect(text(disk, "/a")).toStartWith("one");
});

test("a new file, a rename and a removal are undone or kept until their directory is synced", () => {
  const prepare = (disk: SimulatedDisk) => {
    durable(disk, "/a", "a");
    durable(disk, "/b", "b");
    disk.rename("/a", "/b");
    syncedContent(disk, "/c");
  };
  const look = (disk: SimulatedDisk) => [text(disk, "/a"), text(disk, "/b"), text(disk, "/c")];
  expect(outcomes(prepare, look)).toEqual([
    ["a", "b", null],
    [null, "a", "c"],
    [null, "a", null],
  ]);
  expect(
    outcomes(disk => {
      prepare(disk);
      disk.syncDirectoryNow("/");
    }, look),
  ).toEqual([[null, "a", "c"]]);
});

/** Makes a file whose content is durable and whose name is not. */
function syncedContent(disk: SimulatedDisk, path: string): void {
  const file = disk.open(path, "create");
  file.append(Buffer.from("c"));
  file.syncNow();
  file.close();
}

test("a rename between directories is durable in both or in neither", () => {
  const found = outcomes(
    disk => {
      disk.makeDirectory("/d");
      durable(disk, "/a", "a");
      disk.rename("/a", "/d/a");
    },
    disk => [text(disk, "/a"), text(disk, "/d/a")],
  );
  expect(found).toEqual([
    ["a", null],
    [null, "a"],
  ]);
});

test("after a failed sync the bytes are readable and may be lost, and the next sync succeeds without them", async () => {
  const found: (string | null)[] = [];
  for (const seed of SEEDS) {
    const disk = new SimulatedDisk({ seed });
    durable(disk, "/a", "old");
    const file = disk.open("/a", "write");
    file.append(Buffer.from(" lost"));
    disk.failAt("sync", 1);
    expect(await file.sync().catch(error => error.code)).toBe("EIO");
    expect(text(disk, "/a")).toBe("old lost");
    await file.sync();
    disk.cutPower();
    disk.restart();
    found.push(text(disk, "/a"));
  }
  expect(new Set(found)).toEqual(new Set(["old", "old lost", "old\0\0\0\0\0"]));
});

test("the n-th operation of a kind fails with the error asked for, once; a failed write leaves a first part", () => {
  const sizes = new Set<number>();
  for (const seed of SEEDS) {
    const disk = new SimulatedDisk({ seed });
    const file = disk.open("/a", "create");
    disk.failAt("write", 2, "EIO");
    disk.failAt("rename", 1, "EACCES");
    file.append(Buffer.from("1234"));
    expect(() => file.append(Buffer.from("5678"))).toThrow("EIO");
    sizes.add(file.size);
    expect(text(disk, "/a")).toBe("12345678".slice(0, file.size));
    file.append(Buffer.from("!"));
    expect(() => disk.rename("/a", "/b")).toThrow("EACCES");
    disk.rename("/a", "/b");
  }
  expect([...sizes].sort()).toEqual([4, 5, 6, 7, 8]);
});

test("a full disk takes what fits, and more once something is removed and closed", () => {
  const disk = new SimulatedDisk({ seed: 1, capacityBytes: 10 });
  const first = disk.open("/a", "create");
  first.append(Buffer.from("123456"));
  const second = disk.open("/b", "create");
  expect(() => second.append(Buffer.from("abcdef"))).toThrow("ENOSPC");
  expect([second.size, text(disk, "/b"), disk.space("/").freeBytes]).toEqual([4, "abcd", 0]);
  first.writeAt(0, Buffer.from("654321")); // in place: needs no space
  disk.unlink("/a");
  expect(disk.space("/").freeBytes).toBe(0); // still open
  first.close();
  second.append(Buffer.from("ef"));
  expect([text(disk, "/b"), disk.space("/")]).toEqual(["abcdef", { freeBytes: 4, totalBytes: 10 }]);
});

test("a power cut at any operation of a replacement leaves the old content or the new one", async () => {
  const found = new Set<string | null>();
  for (const seed of SEEDS) {
    for (let operation = 1; ; operation++) {
      const disk = new SimulatedDisk({ seed });
      durable(disk, "/a", "old");
      disk.cutPowerAt(operation);
      const replacement = { path: "/a", temporary: "/a.tmp", mode: "replace", permissions: 0o600 } as const;
      const outcome = await replaceFile(disk, replacement, Buffer.from("new")).then(
        () => "done",
        error => error.name,
      );
      disk.cutPower();
      disk.restart();
      const content = text(disk, "/a");
      found.add(content);
      if (outcome === "done") {
        expect([operation, content], `seed ${seed}`).toEqual([6, "new"]);
        break;
      }
      expect(outcome).toBe("PowerFailed");
    }
  }
  expect(found).toEqual(new Set(["old", "new"]));
});

test("a rename without a sync of the file may leave it empty", () => {
  const found = outcomes(
    disk => {
      durable(disk, "/a", "old");
      const file = disk.open("/a.tmp", "create");
      file.append(Buffer.from("new"));
      file.close();
      disk.rename("/a.tmp", "/a");
    },
    disk => text(disk, "/a"),
  );
  expect(found).toEqual(["", "\0\0\0", "new", "old"]);
});

test("the same seed gives the same outcome", () => {
  const run = (seed: number) => {
    const disk = new SimulatedDisk({ seed });
    const file = disk.open("/a", "create");
    disk.syncDirectoryNow("/");
    for (let index = 0; index < 20; index++) file.append(Buffer.alloc(700, index));
    disk.cutPower();
    disk.restart();
    return Bun.hash(disk.readFile("/a"));
  };
  for (const seed of SEEDS) expect(run(seed)).toBe(run(seed));
  expect(new Set(SEEDS.map(run)).size).toBeGreaterThan(50);
});
