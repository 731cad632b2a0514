import { expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TemporaryDirectory } from "../../../test/cli/program.ts";
import { FileSink, isRegularFile, type LogDisk } from "./file-sink.ts";
import { LogLine } from "./log-line.ts";

const FORMAT = new LogLine({ pid: 7, time: false, utc: false, colors: false });
const NO_LIMITS = { sizeLimit: 0, filesMax: 0 };
const NOW = Date.UTC(2026, 0, 1, 12);

/** A disk that performs each write only when the test allows it. */
class SlowDisk implements LogDisk {
  private waiting: { perform(): number; done(error: Error | null, taken: number): void }[] = [];
  failing = false;
  /** The thread pool goes on while the event loop is busy. */
  finishes = false;
  writes = 0;
  writesNow = 0;

  write(fd: number, bytes: Buffer, done: (error: Error | null, taken: number) => void): void {
    this.writes++;
    this.waiting.push({ perform: () => writeSync(fd, bytes), done });
  }

  writeNow(fd: number, bytes: Buffer): number {
    this.writesNow++;
    return writeSync(fd, bytes);
  }

  size(fd: number): number {
    if (this.finishes) this.finish();
    return fstatSync(fd).size;
  }

  /** Performs the waiting writes while the event loop is busy, so that their callbacks are not called yet. */
  private finish(): void {
    for (const { perform } of this.waiting.splice(0)) perform();
  }

  /** Performs one waiting write. */
  step(): void {
    const running = this.waiting.shift();
    if (running === undefined) return;
    if (this.failing) running.done(new Error("no space left on device"), 0);
    else running.done(null, running.perform());
  }

  get busy(): boolean {
    return this.waiting.length > 0;
  }
}

/** Performs all waiting writes. */
function settle(disk: SlowDisk): void {
  while (disk.busy) disk.step();
}

test("lines are written in order, including those written at the end of the process", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  writeFileSync(path, "from before\n");
  const sink = new FileSink(path, FORMAT, NO_LIMITS, () => NOW);
  for (let i = 0; i < 1_000; i++) sink.add("INF", `line ${i}`, NOW, "server");
  sink.flush();
  const expected = Array.from({ length: 1_000 }, (_, i) => `[7] [INF] line ${i}\n`).join("");
  expect(readFileSync(path, "utf8")).toBe(`from before\n${expected}`);
});

test("lines for a slow disk wait, up to 8 MiB; dropped lines are counted in the log", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  const disk = new SlowDisk();
  const sink = new FileSink(path, FORMAT, NO_LIMITS, () => NOW, disk);
  const line = "x".repeat(1_000);
  const total = 10_000;
  for (let i = 0; i < total; i++) sink.add("INF", line, NOW, "server");
  expect(disk.writes).toBe(1); // `add` did not wait for the write
  settle(disk);
  const text = readFileSync(path, "utf8");
  const dropped = Number(/(\d+) log lines dropped: the log file did not accept them/.exec(text)![1]);
  const written = text.split("\n").filter(one => one.endsWith("xxx")).length;
  expect(written + dropped).toBe(total);
  expect(text.length).toBeGreaterThan(8_000_000);
  expect(text.length).toBeLessThan(9_000_000);
});

test("a burst larger than the queue is written completely when the disk is fast", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  const disk = new SlowDisk();
  disk.finishes = true;
  const sink = new FileSink(path, FORMAT, NO_LIMITS, () => NOW, disk);
  const line = "x".repeat(1_000_000);
  for (let i = 0; i < 30; i++) sink.add("TRC", `${i} ${line}`, NOW, "server");
  sink.flush();
  const numbers = readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map(text => Number(/^\[7\] \[TRC\] (\d+) x+$/.exec(text)![1]));
  expect(numbers).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expect(disk.writesNow).toBeGreaterThan(0);
});

test("a line longer than the queue is written", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  const sink = new FileSink(path, FORMAT, NO_LIMITS, () => NOW);
  const line = "x".repeat(9_000_000);
  sink.add("TRC", line, NOW, "server");
  sink.flush();
  expect(readFileSync(path, "utf8")).toBe(`[7] [TRC] ${line}\n`);
});

test("only a regular or missing file is rotated", () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  expect(isRegularFile(path)).toBe(true);
  writeFileSync(path, "");
  symlinkSync(path, `${path}.link`);
  expect([path, `${path}.link`].map(isRegularFile)).toEqual([true, true]);
  const descriptor = openSync(path, "a");
  expect([directory.path, "/dev/null", "/dev/stderr", `/proc/self/fd/${descriptor}`].map(isRegularFile)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  closeSync(descriptor);
});

test("lines refused by a full disk are counted in the log when the disk accepts lines again", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  const disk = new SlowDisk();
  const sink = new FileSink(path, FORMAT, NO_LIMITS, () => NOW, disk);
  disk.failing = true;
  sink.add("INF", "lost", NOW, "server");
  settle(disk);
  disk.failing = false;
  sink.add("INF", "kept", NOW, "server");
  settle(disk);
  expect(readFileSync(path, "utf8")).toBe("[7] [WRN] 1 log lines dropped: the log file did not accept them\n[7] [INF] kept\n");
});

test("over its size limit the file is rotated between two lines, and the oldest backups are removed", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  writeFileSync(`${path}.note`, "not a backup");
  let now = NOW;
  const sink = new FileSink(path, FORMAT, { sizeLimit: 100, filesMax: 3 }, () => now++);
  for (let i = 0; i < 12; i++) sink.add("INF", `${i}`.padStart(30, "0"), NOW, "server");
  sink.flush();
  const files = readdirSync(directory.path).sort();
  expect(files.length).toBe(4); // the current file, two backups, and a file that is not a backup
  expect(files.filter(name => /^nats\.log\.2026\.01\.01\.\d\d\.00\.00\.\d{9}$/.test(name)).length).toBe(2);
  const current = readFileSync(path, "utf8");
  expect(current).toMatch(
    /^\[7\] \[INF\] Rotated log, backup saved as ".*nats\.log\.2026.*"\r\n\[7\] \[INF\] Purged log file "nats\.log\.2026.*"\r\n/,
  );
  for (const name of files.slice(1, 3)) {
    const lines = readFileSync(join(directory.path, name), "utf8").trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^\[7\] \[INF\] 0+\d+$/);
  }
});

test("a closed sink writes the waiting lines and closes its file", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "nats.log");
  const disk = new SlowDisk();
  const sink = new FileSink(path, FORMAT, NO_LIMITS, () => NOW, disk);
  sink.add("INF", "one", NOW, "server");
  sink.add("INF", "two", NOW, "server");
  sink.close();
  settle(disk);
  expect(readFileSync(path, "utf8")).toBe("[7] [INF] one\n[7] [INF] two\n");
  expect(readdirSync("/proc/self/fd").some(fd => linkOf(fd) === path)).toBe(false);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
