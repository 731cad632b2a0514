import { describe, expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { type DiskLie, SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { testEncryption } from "../../../test/store/file-store-parts.ts";
import type { StoreEncryption } from "../block/encryption.ts";
import { HashKey } from "../block/hash-key.ts";
import { RecordHasher } from "../block/record-hasher.ts";
import { stagingBytes } from "../block/staging-arena.ts";
import { StreamKeys } from "../block/stream-keys.ts";
import { META_ROWS, MetaRow, metaChecksum, metaText } from "./meta-file.ts";
import { SealedMeta } from "./sealed-meta.ts";

const hasher = new RecordHasher(stagingBytes(1));
const checksum = (stored: Uint8Array) => metaChecksum(hasher, HashKey.ofName("S"), stored);
const OLD = testEncryption("chacha", "old");
const NEW = testEncryption("aes", "new", "old");
const TEXT = '{"name":"S","subjects":["orders.\\u003e"]}';

function metaOn(disk: SimulatedDisk, encryption: StoreEncryption | null): SealedMeta {
  return new SealedMeta(disk, "/S", checksum, encryption === null ? null : new StreamKeys(encryption, "$G", "S"));
}

async function diskWith(encryption: StoreEncryption | null, seed = 1, lies: readonly DiskLie[] = []): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed, lies });
  disk.makeDirectory("/S");
  disk.syncDirectoryNow("/");
  await metaOn(disk, encryption).write(Buffer.from(TEXT));
  return disk;
}

async function loaded(disk: SimulatedDisk, encryption: StoreEncryption | null) {
  const { conversion, found } = await metaOn(disk, encryption).load();
  return { conversion, row: MetaRow[found.row], text: Buffer.from(found.plain).toString() };
}

test("a metafile is stored as it is without a secret, and sealed with one", async () => {
  expect((await diskWith(null)).readFile("/S/meta.inf").toString()).toBe(TEXT);
  const disk = await diskWith(OLD);
  expect(disk.readFile("/S/meta.inf").toString("latin1")).not.toContain("orders");
  expect(disk.readFile("/S/meta.key").length).toBe(72);
  expect(disk.readFile("/S/meta.sum").toString()).toBe(checksum(disk.readFile("/S/meta.inf")));
  expect(await loaded(disk, OLD)).toEqual({ conversion: null, row: "Valid", text: TEXT });
});

test("an update keeps the key", async () => {
  const disk = await diskWith(OLD);
  const key = disk.readFile("/S/meta.key");
  await metaOn(disk, OLD).write(Buffer.from("{}"));
  expect(disk.readFile("/S/meta.key")).toEqual(key);
  expect((await loaded(disk, OLD)).text).toBe("{}");
});

test("what is plain, or has another key, is converted once", async () => {
  for (const [before, conversion] of [
    [null, "Encrypting"],
    [OLD, "Converting to AES-GCM for"],
  ] as const) {
    const disk = await diskWith(before);
    expect(await loaded(disk, NEW)).toEqual({ conversion, row: "Valid", text: TEXT });
    expect(await loaded(disk, testEncryption("aes", "new"))).toEqual({ conversion: null, row: "Valid", text: TEXT });
    expect(disk.list("/S").map(({ name }) => name)).toEqual(["meta.inf", "meta.key", "meta.sum"]);
  }
});

test("a key beside a plain metafile, as nats-server may leave it, is replaced", async () => {
  const disk = await diskWith(null);
  disk.writeFile("/S/meta.key", new StreamKeys(OLD, "$G", "S").newStreamKey().keyFile);
  expect(await loaded(disk, OLD)).toEqual({ conversion: "Encrypting", row: "Valid", text: TEXT });
  expect(await loaded(disk, OLD)).toEqual({ conversion: null, row: "Valid", text: TEXT });
});

test("without the right secret nothing is read and nothing is changed", async () => {
  const rows: [encryption: StoreEncryption | null, keyFile: Uint8Array | null, text: string][] = [
    [null, null, "Error decrypting our stream metafile: encryption not enabled"],
    [testEncryption("chacha", "another"), null, "Error decrypting our stream metafile: unable to recover keys"],
    [OLD, new Uint8Array(63), "Error decrypting our stream metafile: encryption bad key size"],
    [
      OLD,
      new StreamKeys(OLD, "$G", "S").newStreamKey().keyFile,
      "Error decrypting our stream metafile: cipher: message authentication failed",
    ],
  ];
  for (const [encryption, keyFile, text] of rows) {
    const disk = await diskWith(OLD);
    if (keyFile !== null) disk.writeFile("/S/meta.key", keyFile);
    const before = disk.list("/S").map(({ name }) => disk.readFile(`/S/${name}`));
    const { found } = await metaOn(disk, encryption).load();
    expect([META_ROWS[found.row].kind, metaText(found)]).toEqual(["offline", text]);
    expect(disk.list("/S").map(({ name }) => disk.readFile(`/S/${name}`))).toEqual(before);
  }
});

test("fuzz: a changed, cut or missing file is never taken for a configuration", async () => {
  const disk = await diskWith(OLD, seedFromEnv());
  const { random } = disk;
  const files = new Map(["meta.inf", "meta.key"].map(name => [name, disk.readFile(`/S/${name}`)]));
  for (let round = 0; round < 200; round++) {
    for (const [name, content] of files) disk.writeFile(`/S/${name}`, content);
    const name = random.pick(["meta.inf", "meta.key"]);
    const content = Buffer.from(files.get(name)!);
    content[random.below(content.length)]! ^= 1 << random.below(8);
    disk.writeFile(`/S/${name}`, random.below(3) === 0 ? content.subarray(0, random.below(content.length)) : content);
    disk.writeFile("/S/meta.sum", Buffer.from(checksum(disk.readFile("/S/meta.inf"))));
    expect((await loaded(disk, OLD)).text, `round=${round}`).toBe("");
  }
});

/** Cuts the power at one operation of a conversion, and converts again. @returns the text that is read in the end, or the row */
async function cutAt(before: StoreEncryption | null, operation: number, seed: number, lies: readonly DiskLie[]): Promise<string> {
  const disk = await diskWith(before, seed, lies);
  disk.cutPowerAt(operation);
  await metaOn(disk, NEW).load();
  if (disk.boot === 0) disk.cutPower();
  disk.restart();
  const { row, text } = await loaded(disk, NEW);
  return text === "" ? row : text;
}

async function faults(before: StoreEncryption | null, lies: readonly DiskLie[]): Promise<string[]> {
  const seed = seedFromEnv();
  const found: string[] = [];
  for (let round = 0; round < 30; round++) {
    for (let operation = 1; operation <= 26; operation++) {
      const text = await cutAt(before, operation, seed + round, lies);
      if (text !== TEXT) found.push(`SEED=${seed + round} operation ${operation}: ${text}`);
    }
  }
  return found;
}

describe("a power cut at any step of a conversion keeps the configuration", () => {
  test("with the first key", async () => expect(await faults(null, [])).toEqual([]), 30_000);
  test("with another key", async () => expect(await faults(OLD, [])).toEqual([]), 30_000);
  for (const lie of ["sync", "syncDirectory"] as const)
    test(
      `a planted defect is noticed: ${lie} does nothing`,
      async () => expect((await faults(OLD, [lie])).length).toBeGreaterThan(0),
      30_000,
    );
});
