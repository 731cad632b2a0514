/** A file store whose disk gets full: what it refuses, what it keeps, what works meanwhile, and that it goes on when there is room. */
import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { testParts } from "../../../test/store/file-store-parts.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import { openFileStore } from "./open-file-store.ts";

const CAPACITY_BYTES = 400_000;
const START_TIME = 1_700_000_000_000_000_000n;
/** How often a store looks for room. */
const SEARCH_MS = 1_000;

/** A store on a small disk, and another file that takes room on it. */
class FullDiskCase {
  readonly disk = new SimulatedDisk({ seed: 1, capacityBytes: CAPACITY_BYTES });
  readonly clock = new FakeClock();
  /** Reports of a full disk, and of its end. */
  readonly reports: string[] = [];
  parts = testParts(this.disk, 1_000_000, this.clock);
  driven!: DrivenStore;

  static async open(keepsReserve: boolean, blockBytesMax: number): Promise<FullDiskCase> {
    const full = new FullDiskCase(blockBytesMax);
    for (const path of ["/S", "/S/msgs"]) full.disk.makeDirectory(path);
    full.disk.syncDirectoryNow("/");
    full.disk.syncDirectoryNow("/S");
    if (keepsReserve) expect(await full.parts.reserve.restore()).toBe(true);
    await full.start();
    return full;
  }

  private constructor(private readonly blockBytesMax: number) {}

  async start(): Promise<void> {
    const { blockBytesMax, parts, reports } = this;
    const options = { name: "S", directory: "/S", blockBytesMax, compressed: false, keys: null, relaxed: null };
    this.driven = await DrivenStore.openAt(
      {
        open: async limits => (await finish(openFileStore(parts, options, limits, this.observer()))).store,
        kill() {},
      },
      NO_STORE_LIMITS,
    );
    reports.length = 0;
  }

  /** A server that begins on the same disk. */
  async restart(): Promise<void> {
    this.parts = testParts(this.disk, 1_000_000, this.clock);
    await this.start();
    expect(this.parts.lines.filter(line => /damage|lost/.test(line))).toEqual([]);
  }

  private observer(): Parameters<typeof openFileStore>[3] {
    const { reports } = this;
    return {
      onUsage() {},
      onRemoved() {},
      onRemovedBelow() {},
      onDurable() {},
      onFailure: (error, canRecover) => void reports.push(`${error.message}, ${canRecover ? "can recover" : "frozen"}`),
      onResumed: () => void reports.push("resumed"),
    };
  }

  /** Stores messages until one is refused. @returns how many were accepted */
  async fill(): Promise<number> {
    const { driven } = this;
    while (true) {
      const next = driven.state.lastSequence + 1;
      const refusal = await driven.check("s.1", "", payloadOf(next));
      if (refusal !== null) {
        expect(refusal).toBe("no space");
        return next - 1;
      }
      expect(await this.append()).toBe(next);
    }
  }

  append(): Promise<number> {
    const next = this.driven.state.lastSequence + 1;
    return this.driven.append(`s.${next % 3}`, "", payloadOf(next), START_TIME + BigInt(next), 0);
  }

  /** Lets the store look for room, and everything that it began come to its end. */
  async search(): Promise<void> {
    this.clock.advance(SEARCH_MS);
    await Bun.sleep(0);
  }

  /** Sequences of the messages that are there; their contents are as they were stored. */
  async found(): Promise<number[]> {
    const messages = await this.driven.scan(null, 0, 1);
    for (const { payload, sequence } of messages) expect(payload).toBe(payloadOf(sequence));
    return messages.map(({ sequence }) => sequence);
  }
}

function payloadOf(sequence: number): string {
  return `${sequence}:`.repeat(200);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

const FORMS = [
  { name: "with a reserve", keepsReserve: true, blockBytesMax: 20_000 },
  { name: "without a reserve", keepsReserve: false, blockBytesMax: 20_000 },
  { name: "with a reserve and zeros written in advance", keepsReserve: true, blockBytesMax: 1_000_000 },
];

for (const { blockBytesMax, keepsReserve, name } of FORMS) {
  test(`messages are refused, nothing refused is stored, and reads go on: ${name}`, async () => {
    const full = await FullDiskCase.open(keepsReserve, blockBytesMax);
    const accepted = await full.fill();
    expect(accepted).toBeGreaterThan(100);
    expect(full.reports).toEqual(["no space left on device, can recover"]);
    expect(await full.found()).toEqual(upTo(accepted));
    await full.search();
    const more = await full.fill();
    expect(await full.found()).toEqual(upTo(more));
    expect(full.driven.store.failure).toBeNull();
  });

  test(`what was durable is there after a power cut: ${name}`, async () => {
    const full = await FullDiskCase.open(keepsReserve, blockBytesMax);
    const accepted = await full.fill();
    await Bun.sleep(0);
    const { durableSequence } = full.driven.store;
    expect(durableSequence).toBeGreaterThanOrEqual(accepted - 1);
    full.disk.cutPower();
    full.disk.restart();
    await full.restart();
    const found = await full.found();
    expect(found).toEqual(upTo(found.length));
    expect(found.length).toBeGreaterThanOrEqual(durableSequence);
    expect(found.length).toBeLessThanOrEqual(accepted);
  });

  test(`what was durable is there after a clean stop: ${name}`, async () => {
    const full = await FullDiskCase.open(keepsReserve, blockBytesMax);
    const accepted = await full.fill();
    await Bun.sleep(0);
    const { durableSequence } = full.driven.store;
    await full.driven.store.close();
    expect(full.reports).toEqual(["no space left on device, can recover"]);
    await full.restart();
    const found = await full.found();
    expect(found).toEqual(upTo(found.length));
    expect(found.length).toBeGreaterThanOrEqual(durableSequence);
    expect(found.length).toBeLessThanOrEqual(accepted);
  });
}

test("a message is deleted while the disk is full, for good", async () => {
  const full = await FullDiskCase.open(true, 20_000);
  const accepted = await full.fill();
  expect(await full.driven.remove(5)).toBe(true);
  await Bun.sleep(0);
  const { applied, durable } = full.driven.store;
  expect(durable).toBe(applied);
  full.disk.cutPower();
  full.disk.restart();
  await full.restart();
  expect(await full.found()).toEqual(upTo(accepted).filter(sequence => sequence !== 5));
});

test("all messages are purged while the disk is full, and the store goes on by itself", async () => {
  const full = await FullDiskCase.open(true, 20_000);
  const accepted = await full.fill();
  expect(await full.driven.purge(null, 0, 0)).toBe(accepted);
  await Bun.sleep(0);
  const { applied, durable } = full.driven.store;
  expect(durable).toBe(applied);
  await full.search();
  expect(full.reports).toEqual(["no space left on device, can recover", "resumed"]);
  expect(await full.append()).toBe(accepted + 1);
  await full.driven.store.close();
  await full.restart();
  expect(await full.found()).toEqual([accepted + 1]);
});

test("old messages are removed while the disk is full, and the store goes on by itself", async () => {
  const full = await FullDiskCase.open(true, 20_000);
  const accepted = await full.fill();
  expect(await full.driven.compact(accepted - 10)).toBe(accepted - 11);
  await Bun.sleep(0);
  await full.search();
  expect(full.reports).toEqual(["no space left on device, can recover", "resumed"]);
  expect(await full.append()).toBe(accepted + 1);
  await full.driven.store.close();
  await full.restart();
  expect(await full.found()).toEqual(upTo(accepted + 1).filter(sequence => sequence >= accepted - 10));
});

test("what was accepted last is written when somebody else made room", async () => {
  const full = await FullDiskCase.open(false, 20_000);
  const other = full.disk.open("/other", "create");
  other.append(new Uint8Array(100_000));
  const accepted = await full.fill();
  await Bun.sleep(0);
  const { applied } = full.driven.store;
  expect(full.driven.store.durable).toBeLessThan(applied);
  await full.search();
  expect(full.driven.store.durable).toBeLessThan(applied);
  other.truncate(0);
  await full.search();
  await full.search();
  expect(full.reports).toEqual(["no space left on device, can recover", "resumed"]);
  expect(full.driven.store.durable).toBe(applied);
  expect(await full.append()).toBe(accepted + 1);
  await full.driven.store.close();
  await full.restart();
  expect(await full.found()).toEqual(upTo(accepted + 1));
});

test("a record is erased when there is room: the file of its block needs some", async () => {
  const full = await FullDiskCase.open(true, 20_000);
  const other = full.disk.open("/other", "create");
  other.append(new Uint8Array(100_000));
  const accepted = await full.fill();
  expect(await full.driven.erase(5)).toBe(true);
  await full.search();
  const { applied } = full.driven.store;
  expect(full.driven.store.durable).toBe(applied - 1);
  other.truncate(0);
  await full.search();
  await full.search();
  expect(full.driven.store.failure).toBeNull();
  expect(full.driven.store.durable).toBe(applied);
  expect(full.reports).toEqual(["no space left on device, can recover", "resumed"]);
  expect(await full.append()).toBe(accepted + 1);
  await full.driven.store.close();
  await full.restart();
  expect(full.disk.readFile("/S/msgs/1.blk").includes(payloadOf(5))).toBe(false);
  expect(await full.found()).toEqual(upTo(accepted + 1).filter(sequence => sequence !== 5));
});

test("a store closes while a record that is to be erased waits for room: the message is gone, and nothing is damaged", async () => {
  const full = await FullDiskCase.open(true, 20_000);
  const accepted = await full.fill();
  expect(await full.driven.erase(5)).toBe(true);
  await full.search();
  await full.driven.store.close();
  await full.restart();
  expect(await full.found()).toEqual(upTo(accepted).filter(sequence => sequence !== 5));
});

test("a record is erased in the room of the reserve", async () => {
  const full = await FullDiskCase.open(true, 4_000);
  for (let count = 0; count < 10; count++) await full.append();
  await Bun.sleep(0);
  full.disk.open("/other", "create").append(new Uint8Array(full.disk.freeBytes()));
  expect(await full.driven.erase(2)).toBe(true);
  await Bun.sleep(0);
  const { applied, durable, failure } = full.driven.store;
  expect({ durable, failure }).toEqual({ durable: applied, failure: null });
  expect(full.disk.readFile("/S/msgs/1.blk").includes(payloadOf(2))).toBe(false);
});

test("a store is truncated while the disk is full, when there is room for the block that becomes shorter", async () => {
  const full = await FullDiskCase.open(true, 20_000);
  const other = full.disk.open("/other", "create");
  other.append(new Uint8Array(118_000));
  const accepted = await full.fill();
  await full.driven.truncate(accepted - 1);
  await full.search();
  const { applied } = full.driven.store;
  expect(full.driven.store.durable).toBeLessThan(applied);
  other.truncate(0);
  await full.search();
  await full.search();
  expect(full.driven.store.failure).toBeNull();
  expect(full.driven.store.durable).toBe(applied);
  expect(await full.append()).toBe(accepted);
  await full.driven.store.close();
  await full.restart();
  expect(await full.found()).toEqual(upTo(accepted));
});
