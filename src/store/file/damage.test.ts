/** Damage that is found when a block is read: a start from `index.db` reads none. */
import { expect, test } from "bun:test";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { testParts } from "../../../test/store/file-store-parts.ts";
import type { StorePlace } from "../../../test/store/store-kind.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import { openFileStore } from "./open-file-store.ts";

const START = 1_700_000_000_000_000_000n;
const SUBJECTS = 10;

test("a subject whose only message is damaged takes new ones, and keeps the last", async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  for (const path of ["/S", "/S/msgs"]) disk.makeDirectory(path);
  const lines: string[] = [];
  const open: StorePlace["open"] = async (limits, observer) => {
    const parts = testParts(disk);
    const log = { ...parts.log, error: (text: string) => void lines.push(text) };
    const options = { name: "S", directory: "/S", blockBytesMax: 200, compressed: false, keys: null, relaxed: null };
    return (await finish(openFileStore({ ...parts, log }, options, limits, observer))).store;
  };
  const store = await DrivenStore.openAt({ open, kill() {} }, { ...NO_STORE_LIMITS, messagesPerSubjectMax: 1 });
  for (let index = 0; index < SUBJECTS; index++) await store.append(`s.${index}`, "", "payload", START, 0);
  await store.store.close();
  const file = disk.open("/S/msgs/1.blk", "write");
  const bytes = Buffer.alloc(file.size);
  file.readAt(0, bytes);
  bytes[bytes.indexOf("payload")]! ^= 1;
  file.writeAt(0, bytes);
  file.close();

  await store.reopen();
  expect(await store.load(1)).toBeNull();
  expect(lines.join("\n")).toContain("JetStream found damage in /S/msgs/1.blk");
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < SUBJECTS; index++) await store.append(`s.${index}`, "", `new ${round}`, START, 0);
  }
  const left = (await store.scan(null, 0, 1)).map(({ payload, subject }) => `${subject} ${payload}`);
  expect(left).toEqual(Array.from({ length: SUBJECTS }, (_, index) => `s.${index} new 2`));
  expect(store.totalOf("s.0")).toBe(1);
});
