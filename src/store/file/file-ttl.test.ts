/** Times to live of a file store, over restarts. That they end as they should is part of the contract (test/store/rules/expiry.ts). */
import { expect, test } from "bun:test";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { testParts } from "../../../test/store/file-store-parts.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import { openFileStore } from "./open-file-store.ts";

const START = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;
const LIMITS = { ...NO_STORE_LIMITS, allowTtl: true };

function newDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ seed: 1 });
  for (const path of ["/S", "/S/msgs"]) disk.makeDirectory(path);
  return disk;
}

/** Small blocks, and memory for one. */
function openStore(disk: SimulatedDisk): Promise<DrivenStore> {
  const options = { name: "S", directory: "/S", blockBytesMax: 1_000, compressed: false, keys: null, relaxed: null };
  return DrivenStore.openAt(
    { open: async (limits, observer) => (await finish(openFileStore(testParts(disk, 1), options, limits, observer))).store, kill() {} },
    LIMITS,
  );
}

const header = (ttl: string) => `NATS/1.0\r\nNats-TTL: ${ttl}\r\n\r\n`;
const noMarker = () => {
  throw new Error("no marker is wanted");
};

test("messages end after a restart as before it: the headers of stored messages say when", async () => {
  const disk = newDisk();
  let store = await openStore(disk);
  for (let sequence = 1; sequence <= 60; sequence++) {
    const seconds = 100 - sequence;
    const ttl = [String(seconds), `${seconds}s`, "never", ""][sequence % 4];
    await store.append(
      `a.${sequence}`,
      ttl === "" ? "" : header(ttl),
      "payload",
      START,
      sequence % 4 < 2 ? seconds : sequence % 4 === 2 ? -1 : 0,
    );
  }
  await store.remove(60);
  await store.store.close();
  store = await openStore(disk);
  expect(store.store.nextExpiry).toBe(START + 43n * SECOND);
  expect(await store.expire(START + 50n * SECOND, noMarker)).toBe(START + 51n * SECOND);
  expect(store.removed.map(text => Number.parseInt(text, 10))).toEqual([52, 53, 56, 57]);
  expect(await store.expire(START + 100n * SECOND, noMarker)).toBeNull();
  expect((await store.scan(null, 0, 1)).map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 60 }, (_, index) => index + 1).filter(sequence => sequence % 4 >= 2),
  );
});

test("thousands of messages that end at once are removed in parts, also from blocks that are not in memory", async () => {
  const store = await openStore(newDisk());
  for (let sequence = 1; sequence <= 3_000; sequence++) await store.append("a", header("5"), "", START + BigInt(sequence), 5);
  const job = store.store.expire(...halves(START + 5n * SECOND + 2_990n), noMarker);
  let parts = 0;
  let most = 0;
  for (let before = 0; ; parts++) {
    const { done, value } = job.next();
    most = Math.max(most, store.removed.length - before);
    before = store.removed.length;
    if (done) break;
    if (typeof value === "object") await value;
  }
  expect(store.state.messages).toBe(10);
  expect(parts).toBeGreaterThan(5);
  expect(most).toBeLessThanOrEqual(512);
});

function halves(time: bigint): [number, number] {
  return [Number(time >> 32n), Number(time & 0xffff_ffffn)];
}
