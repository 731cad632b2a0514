/** Power cuts at every step of work that replaces the files of blocks. */
import { describe, expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { type DiskLie, SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { type TestParts, testEncryption, testParts } from "../../../test/store/file-store-parts.ts";
import type { StorePlace } from "../../../test/store/store-kind.ts";
import { inOneGo } from "../../base/scheduling/sliced.ts";
import type { StoreCipher, StoreEncryption } from "../block/encryption.ts";
import { HashKey } from "../block/hash-key.ts";
import { StreamKeys } from "../block/stream-keys.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import type { FileStore } from "./file-store.ts";
import { openFileStore } from "./open-file-store.ts";

const MESSAGES = 14;
const START = 1_700_000_000_000_000_000n;
const ERASED = 5;
/** More than any of the works here has. */
const OPERATIONS_MAX = 80;

interface Opened {
  readonly store: DrivenStore;
  readonly parts: TestParts;
}

async function open(disk: SimulatedDisk, encryption: StoreEncryption | null, compressed: boolean): Promise<Opened> {
  const parts = testParts(disk);
  const keys = encryption === null ? null : new StreamKeys(encryption, "$G", "S");
  const options = { name: "S", directory: "/S", blockBytesMax: 1_000, compressed, keys, relaxed: null };
  const openStore: StorePlace["open"] = async (limits, observer) => (await finish(openFileStore(parts, options, limits, observer))).store;
  const store = await DrivenStore.openAt({ open: openStore, kill() {} }, NO_STORE_LIMITS);
  store.onFailure = () => {}; // of the power that was cut
  return { store, parts };
}

const payloadOf = (sequence: number) => `message ${sequence} ${"again ".repeat(20)}`;
const rewritten = ({ store }: Opened) => (store.store as FileStore).rewritten();

/** A disk with a store of a few blocks, closed in order. */
async function filled(
  seed: number,
  lies: readonly DiskLie[],
  encryption: StoreEncryption | null,
  compressed: boolean,
): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed, lies });
  disk.makeDirectory("/S");
  disk.makeDirectory("/S/msgs");
  disk.syncDirectoryNow("/");
  disk.syncDirectoryNow("/S");
  const opened = await open(disk, encryption, compressed);
  for (let sequence = 1; sequence <= MESSAGES; sequence++)
    await opened.store.append("s", "", payloadOf(sequence), START + BigInt(sequence), 0);
  await opened.parts.commits.drain();
  await rewritten(opened);
  await opened.store.store.close();
  return disk;
}

/** What is wrong with the store's content; null: nothing. */
async function faultIn({ parts, store }: Opened, without: number): Promise<string | null> {
  for (let sequence = 1; sequence <= MESSAGES; sequence++) {
    const payload = (await store.load(sequence))?.payload ?? null;
    if (sequence !== without && payload !== payloadOf(sequence)) return `message ${sequence} is ${payload}`;
  }
  return parts.lines.length === 0 ? null : parts.lines.join(", ");
}

interface Work {
  readonly title: string;
  readonly before: readonly [cipher: StoreCipher | null, compressed: boolean];
  readonly after: readonly [cipher: StoreCipher | null, compressed: boolean];
  /** What is done with the store after it was opened with the new form. */
  readonly run: (opened: Opened) => Promise<void>;
}

const convert = async (opened: Opened) => {
  opened.store.store.setCompression(true);
  await rewritten(opened);
};

const WORKS: readonly Work[] = [
  { title: "the first key", before: [null, false], after: ["chacha", false], run: async () => {} },
  { title: "another key for compressed blocks", before: ["chacha", true], after: ["aes", true], run: async () => {} },
  { title: "compression", before: [null, false], after: [null, false], run: convert },
  { title: "compression of encrypted blocks", before: ["aes", false], after: ["aes", false], run: convert },
  {
    title: "an erasure in a compressed block",
    before: ["chacha", true],
    after: ["chacha", true],
    run: async ({ parts, store }) => {
      await store.erase(ERASED);
      store.store.flush();
      await parts.commits.drain();
    },
  },
];

/** Cuts the power at one operation of the work. @returns what is wrong afterwards; null: nothing */
async function cutAt(
  work: Work,
  operation: number,
  seed: number,
  lies: readonly DiskLie[],
): Promise<{ fault: string | null; done: boolean }> {
  const [cipherBefore, compressedBefore] = work.before;
  const [cipher, compressed] = work.after;
  const before = cipherBefore === null ? null : testEncryption(cipherBefore, "old");
  const encryption = cipher === null ? null : testEncryption(cipher, cipher === cipherBefore ? "old" : "new", "old");
  const disk = await filled(seed, lies, before, compressedBefore);
  disk.cutPowerAt(operation);
  let done = false;
  try {
    await disk.whilePowered(open(disk, encryption, compressed).then(opened => work.run(opened)));
    done = disk.boot === 0;
  } catch (error) {
    if (disk.boot === 0) throw error;
  }
  if (disk.boot === 0) disk.cutPower();
  disk.restart();
  const reopened = await open(disk, encryption, compressed);
  const fault = await faultIn(reopened, work.title.startsWith("an erasure") ? ERASED : 0);
  if (fault !== null) return { fault, done };
  if (done && work.title.startsWith("an erasure") && (await isInFiles(disk, reopened, encryption!))) return { fault: "not erased", done };
  const leftovers = disk.list("/S/msgs").filter(({ name }) => /\.(tmp|new)$/.test(name));
  return { fault: leftovers.length === 0 ? null : `${leftovers.map(({ name }) => name)} is left`, done };
}

/** Whether the erased message is in a block's file. */
async function isInFiles(disk: SimulatedDisk, { parts }: Opened, encryption: StoreEncryption): Promise<boolean> {
  const keys = new StreamKeys(encryption, "$G", "S");
  for (const { name } of disk.list("/S/msgs").filter(entry => entry.name.endsWith(".blk"))) {
    const index = Number.parseInt(name, 10);
    const { key } = keys.openBlockKey(index, disk.readFile(`/S/msgs/${index}.key`));
    const file = Buffer.from(disk.readFile(`/S/msgs/${name}`));
    if (inOneGo(parts.codec.decode(file, key!.blockCipher(), HashKey.ofBlock("S", index))).records.includes(payloadOf(ERASED))) return true;
  }
  return false;
}

/** @param lies with them, rounds end with the first fault */
async function faults(work: Work, lies: readonly DiskLie[], rounds: number): Promise<string[]> {
  const seed = seedFromEnv();
  const found: string[] = [];
  for (let round = 0; round < rounds && (lies.length === 0 || found.length === 0); round++) {
    let done = false;
    for (let operation = 1; operation <= OPERATIONS_MAX && !done; operation++) {
      const result = await cutAt(work, operation, seed + round, lies).catch(error => ({ fault: String(error), done: false }));
      done = result.done;
      if (result.fault !== null) found.push(`SEED=${seed + round} operation ${operation}: ${result.fault}`);
    }
  }
  return found;
}

describe("a power cut at any step loses nothing", () => {
  for (const work of WORKS) {
    test(work.title, async () => {
      expect(await faults(work, [], 1)).toEqual([]);
    }, 30_000);
  }
});

describe("a planted defect is noticed", () => {
  for (const lie of ["sync", "syncDirectory"] as const) {
    test(`${lie} does nothing`, async () => {
      expect((await faults(WORKS[0]!, [lie], 30)).length).toBeGreaterThan(0);
    }, 30_000);
  }
});
