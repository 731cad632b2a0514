import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../../../test/doubles/fake-clock.ts";
import { KeptLog } from "../../../../../test/doubles/kept-log.ts";
import { SimulatedDisk } from "../../../../../test/doubles/simulated-disk.ts";
import { until } from "../../../../../test/faults/until.ts";
import { SYSTEM_DISK } from "../../../../base/disk/system-disk.ts";
import { LocalCache, NoCache } from "./ocsp-cache.ts";
import type { OcspResponse, OcspStatus } from "./ocsp-response.ts";
import type { OcspCacheRules } from "./ocsp-rules.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

class Bench {
  readonly parent = mkdtempSync(join(tmpdir(), "bunats-ocsp-"));
  readonly directory = join(this.parent, "rc");
  readonly file = join(this.directory, "cache.json");
  readonly clock = new FakeClock();
  readonly log = new KeptLog();

  constructor() {
    directories.push(this.parent);
  }

  open(given: Partial<OcspCacheRules> = {}): LocalCache {
    const rules: OcspCacheRules = { type: "local", localStore: this.directory, preserveRevoked: false, saveIntervalMs: 5_000, ...given };
    return new LocalCache(rules, this.clock, SYSTEM_DISK, this.log);
  }

  write(text: string): void {
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(this.file, text);
  }
}

const response = (text: string, status: OcspStatus = "good", nextUpdateMs: number | null = FakeClock.WALL_START + 1_000): OcspResponse => ({
  raw: Buffer.from(text),
  status,
  thisUpdateMs: FakeClock.WALL_START,
  nextUpdateMs,
  isDelegationValid: true,
});
const NOTHING = { type: "local", hits: 0, misses: 0, responses: 0, revoked: 0, good: 0, unknown: 0 };

test("returns stored responses and counts hits, misses and entries", async () => {
  const bench = new Bench();
  const cache = bench.open();
  expect(cache.get("a")).toBeNull();
  cache.put("a", response("one"), "CN=a");
  cache.put("b", response("two", "revoked"), "CN=b");
  cache.put("c", response("three", "unknown"), "CN=c");
  cache.put("a", response("four", "revoked"), "CN=a");
  expect(Buffer.from(cache.get("a")!).toString()).toBe("four");
  expect(cache.stats).toEqual({ ...NOTHING, hits: 1, misses: 1, responses: 3, revoked: 2, unknown: 1 } as never);
  cache.delete("a");
  cache.delete("unknown");
  expect(cache.stats).toEqual({ ...NOTHING, misses: 2, responses: 2, revoked: 1, unknown: 1 } as never);
  await cache.stop();
  cache.put("d", response("five"), "CN=d");
  expect([cache.get("b"), cache.stats.responses]).toEqual([null, 2]);
});

test("keeps revocations when preserve_revoked is set", async () => {
  const bench = new Bench();
  const cache = bench.open({ preserveRevoked: true });
  cache.put("a", response("one", "revoked"), "CN=a");
  cache.put("b", response("two"), "CN=b");
  cache.get("a");
  cache.get("b");
  bench.log.take();
  cache.delete("a");
  cache.delete("b");
  expect(bench.log.take()).toEqual([
    "DBG Revoked OCSP response for key [a] preserved by cache policy",
    "DBG Deleting OCSP peer cached response for key [b]",
  ]);
  expect(cache.stats).toEqual({ ...NOTHING, misses: 2, responses: 1, revoked: 1 } as never);
  await cache.stop();
});

test("the file has the reference's format, is readable by its owner only, and loads into another cache", async () => {
  const bench = new Bench();
  const cache = bench.open();
  cache.put("b", response("two", "unknown", null), "");
  cache.put("a", response("one", "revoked"), "CN=a");
  await cache.stop();
  const entry = (status: string, expires: string, resp: string) => ({
    cached_at: "2026-01-01T00:00:00Z",
    resp_status: status,
    resp_expires: expires,
    resp,
  });
  const streams = ["/wYAAFMyc1R3TwEHAAABQFUIb25l", "/wYAAFMyc1R3TwEHAACJkMkJdHdv"];
  const text = readFileSync(bench.file, "utf8");
  expect(JSON.parse(text)).toEqual({
    a: { subject: "CN=a", ...entry("revoked", "2026-01-01T00:00:01Z", streams[0]!) },
    b: entry("unknown", "0001-01-01T00:00:00Z", streams[1]!),
  });
  expect(text.startsWith('{\n "a": {\n  "subject": "CN=a",\n  "cached_at"')).toBe(true);
  expect(statSync(bench.file).mode & 0o777).toBe(0o600);
  expect(readdirSync(bench.directory)).toEqual(["cache.json"]);
  const again = bench.open();
  expect(Buffer.from(again.get("a")!).toString()).toBe("one");
  expect(again.stats).toEqual({ ...NOTHING, hits: 1, responses: 2, revoked: 1, unknown: 1 } as never);
  await again.stop();
});

test("an entry without a status counts as a revocation, and is preserved like one", async () => {
  const bench = new Bench();
  mkdirSync(bench.directory, { recursive: true });
  const entry = { cached_at: "2026-01-01T00:00:00Z", resp_expires: "2026-01-01T00:00:01Z", resp: "/wYAAFMyc1R3TwEHAAABQFUIb25l" };
  writeFileSync(bench.file, JSON.stringify({ a: entry }));
  const cache = bench.open({ preserveRevoked: true });
  expect(cache.stats).toEqual({ ...NOTHING, responses: 1, revoked: 1 } as never);
  cache.delete("a");
  expect(cache.stats.responses).toBe(1);
  await cache.stop();
});

test("saves at every interval when something has changed, and at the end", async () => {
  const bench = new Bench();
  const cache = bench.open();
  bench.log.take();
  bench.clock.advance(5_000);
  expect(bench.log.take()).toEqual(["DBG OCSP peer cache save timer expired"]);
  cache.put("a", response("one"), "CN=a");
  bench.clock.advance(4_999);
  expect(existsSync(bench.file)).toBe(false);
  bench.log.take();
  bench.clock.advance(1);
  await until(
    () => bench.log.lines.length === 4,
    () => `${bench.log.lines}`,
  );
  const { size } = statSync(bench.file);
  expect(bench.log.take()).toEqual([
    "DBG OCSP peer cache save timer expired",
    "DBG OCSP peer cache is dirty, saving",
    `DBG Saving OCSP peer cache [${bench.file}]`,
    `DBG Saved OCSP peer cache successfully (${size} bytes)`,
  ]);
  cache.follow({ type: "local", localStore: bench.directory, preserveRevoked: false, saveIntervalMs: 1_000 });
  bench.clock.advance(1_000);
  await cache.stop();
  expect(bench.log.take()).toEqual(["DBG OCSP peer cache save timer expired", "DBG Stopping OCSP peer cache"]);
  expect(bench.clock.waiting).toBe(0);
});

test("a missing file is an empty cache; an invalid one is logged, left alone, and replaced by the next save", async () => {
  const bench = new Bench();
  const loaded = (text: string | null) => {
    if (text !== null) bench.write(text);
    bench.log.take();
    const cache = bench.open();
    const lines = bench.log.take();
    expect(lines.slice(0, 2)).toEqual(["DBG Starting OCSP peer cache", `DBG Loading OCSP peer cache [${bench.file}]`]);
    return { cache, lines: lines.slice(2) };
  };
  expect(loaded(null).lines).toEqual(["DBG No OCSP peer cache found, starting with empty cache"]);
  expect(loaded("null").lines).toEqual([]);
  for (const text of [
    "",
    "{",
    "[]",
    '{"a":1}',
    '{"a":{"resp":5}}',
    '{"a":{"resp":"!!!!"}}',
    '{"a":{"subject":[]}}',
    '{"a":{"cached_at":"yesterday"}}',
    '{"a":{"resp_expires":"2026-01-01"}}',
  ]) {
    const { cache, lines } = loaded(text);
    expect(lines).toEqual([expect.stringMatching(/^WRN Unable to load OCSP peer cache: ./)]);
    expect(cache.stats).toEqual(NOTHING as never);
    expect(readFileSync(bench.file, "utf8")).toBe(text);
    await cache.stop();
    expect(readFileSync(bench.file, "utf8")).toBe("{}");
  }
});

test("an entry that is not an S2 stream gives no response", async () => {
  const bench = new Bench();
  bench.write('{"a":{"resp_status":"good","resp":"AAAAAAAA"},"__proto__":{"resp_status":"strange"}}');
  const cache = bench.open();
  bench.log.take();
  expect(cache.get("a")).toBeNull();
  expect(bench.log.take()).toEqual([
    "DBG OCSP peer cache hit for key [a]",
    "ERR Unable to decompress OCSP response for key [a]: error reading compression reader: the stream does not begin with its identifier",
  ]);
  expect(cache.stats).toEqual({ ...NOTHING, hits: 1, responses: 2, good: 1, unknown: 1 } as never);
  await cache.stop();
});

test("a directory that cannot be created is logged, and the next save tries again", async () => {
  const bench = new Bench();
  const directory = join(bench.parent, "no", "such");
  const cache = bench.open({ localStore: directory });
  cache.put("a", response("one"), "CN=a");
  bench.log.take();
  bench.clock.advance(5_000);
  await until(
    () => bench.log.lines.some(line => line.startsWith("ERR")),
    () => `${bench.log.lines}`,
  );
  expect(bench.log.take().at(-1)).toBe(`ERR Unable to save OCSP peer cache: mkdir ${directory}: no such file or directory`);
  mkdirSync(join(bench.parent, "no"));
  await cache.stop();
  expect(existsSync(join(directory, "cache.json"))).toBe(true);
});

test("a file that can be neither read nor replaced stays unchanged, with no temporary file beside it", async () => {
  const bench = new Bench();
  mkdirSync(join(bench.file, "not empty"), { recursive: true });
  const cache = bench.open();
  expect(bench.log.take().at(-1)).toBe(`WRN Unable to load OCSP peer cache: read ${bench.file}: is a directory`);
  cache.put("a", response("one"), "CN=a");
  await cache.stop();
  expect(bench.log.take().at(-1)).toMatch(/^ERR Unable to save OCSP peer cache: rename /);
  expect(readdirSync(bench.directory)).toEqual(["cache.json"]);
});

test("type none stores nothing", async () => {
  const cache = new NoCache();
  cache.put();
  expect([cache.get(), cache.stats.responses]).toEqual([null, 0]);
  cache.delete();
  await cache.stop();
});

test("a disk that fails a sync keeps the old file, and the next save writes the new one", async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  const log = new KeptLog();
  const rules: OcspCacheRules = { type: "local", localStore: "/rc", preserveRevoked: false, saveIntervalMs: 5_000 };
  const open = () => new LocalCache(rules, new FakeClock(), disk, log);
  const first = open();
  first.put("one", response("1"), "");
  await first.stop();
  disk.failAt("sync", 1);
  const second = open();
  second.put("two", response("2"), "");
  await second.stop();
  expect(log.take().filter(line => line.startsWith("ERR"))).toEqual([
    "ERR Unable to save OCSP peer cache: fdatasync /rc/cache.json: EIO: fdatasync",
  ]);
  expect(disk.list("/rc").map(({ name }) => name)).toEqual(["cache.json"]);
  expect(open().stats.responses).toBe(1);
});
