/** How many threads the pool has: a read of an empty pipe blocks one, until a sync of a file does not get one. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { threadPoolSize } from "./thread-pool.ts";

const PIPES = 12;
const PROBE = `
import { constants, fdatasync, openSync, read } from "node:fs";
import { cpus } from "node:os";
import { growThreadPool } from ${JSON.stringify(join(import.meta.dir, "thread-pool.ts"))};
const promised = growThreadPool(Number(process.argv[2]), process.env, cpus().length);
const file = openSync("file", "w+");
// A pipe that is open for writing too has no end, so its read waits.
const block = name => read(openSync(String(name), constants.O_RDWR), Buffer.alloc(1), 0, 1, null, () => {});
const sync = () => new Promise(resolve => fdatasync(file, () => resolve(true)));
for (let name = 1; name < promised; name++) block(name);
await sync(); // ends: one thread is left
block(promised);
const leftOver = await Promise.race([sync(), Bun.sleep(200).then(() => false)]);
console.log(JSON.stringify({ promised, leftOver }));
process.exit(0);
`;

/** @param isBundled whether the program is one file, else its sources are loaded first */
async function probe(threads: number, isBundled: boolean, variables: Record<string, string> = {}): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), "pool-"));
  try {
    const names = Array.from({ length: PIPES }, (_, index) => String(index + 1));
    expect(Bun.spawnSync(["mkfifo", ...names], { cwd: directory }).exitCode).toBe(0);
    await Bun.write(join(directory, "probe.ts"), PROBE);
    const { UV_THREADPOOL_SIZE: _, GOMAXPROCS: __, ...environment } = process.env;
    const options = { cwd: directory, env: { ...environment, ...variables }, timeout: 10_000 };
    if (isBundled) await Bun.build({ entrypoints: [join(directory, "probe.ts")], target: "bun", outdir: directory });
    const program = isBundled ? "probe.js" : "probe.ts";
    const { stdout, stderr } = Bun.spawnSync([process.execPath, program, String(threads)], options);
    return stdout.length > 0 ? JSON.parse(stdout.toString()) : stderr.toString();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const PROCESSORS = cpus().length;

describe.skipIf(PROCESSORS >= PIPES - 2 || process.platform !== "linux")("the pool has the promised number of threads", () => {
  const wanted = PROCESSORS + 3;
  const initial = Math.max(2, PROCESSORS);

  test("as many as processors", async () => {
    expect(await probe(1, true)).toEqual({ promised: initial, leftOver: false });
  });

  test("grown, in a program of one file", async () => {
    expect(await probe(wanted, true)).toEqual({ promised: wanted, leftOver: false });
  });

  test("not grown, in a program whose sources are loaded first", async () => {
    expect(await probe(wanted, false)).toEqual({ promised: initial, leftOver: false });
  });

  test("what the operator has set, even where that is less", async () => {
    expect(await probe(8, true, { UV_THREADPOOL_SIZE: "3" })).toEqual({ promised: 3, leftOver: false });
    expect(await probe(8, true, { GOMAXPROCS: "4" })).toEqual({ promised: 4, leftOver: false });
    expect(await probe(8, true, { GOMAXPROCS: "4", UV_THREADPOOL_SIZE: "5" })).toEqual({ promised: 5, leftOver: false });
  });
});

test("the size follows the environment, else the processors, within bounds", () => {
  expect(threadPoolSize({}, 1)).toBe(2);
  expect(threadPoolSize({}, 64)).toBe(64);
  expect(threadPoolSize({ UV_THREADPOOL_SIZE: "5000" }, 4)).toBe(1024);
  expect(threadPoolSize({ UV_THREADPOOL_SIZE: "x", GOMAXPROCS: "7" }, 4)).toBe(7);
});
