/**
 * A file store on a disk that loses power at any operation: what the user was told is there after each start, nothing that was removed is back, and
 * nothing is reported as damaged. With each planted defect the same test must fail, or it would prove nothing.
 * `FAULTS=all` plays many more rounds.
 */
import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { type DiskLie, type DiskOperation, PowerFailed, SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { CrashModel } from "../../../test/store/crash-model.ts";
import { DrivenStore, finish } from "../../../test/store/driven-store.ts";
import { testParts } from "../../../test/store/file-store-parts.ts";
import type { StorePlace } from "../../../test/store/store-kind.ts";
import { Random } from "../../base/random/random.ts";
import { CommitLine } from "../commit/commit-line.ts";
import { NOT_STORED } from "../contract/message-store.ts";
import { NO_STORE_LIMITS } from "../contract/store-limits.ts";
import type { FileStore } from "./file-store.ts";
import { openFileStore } from "./open-file-store.ts";

const ROUNDS = process.env.FAULTS === "all" ? 3_000 : 25;
/** Rounds until a planted defect must have shown. */
const ROUNDS_WITH_DEFECT = 400;
const STARTS = 4;
const TEST_MS = process.env.FAULTS === "all" ? 20 * 60_000 : 60_000;
const START_TIME = 1_700_000_000_000_000_000n;

interface Plan {
  readonly lies: readonly DiskLie[];
  readonly tellsEarly: boolean;
  /** Operations fail with an error. */
  readonly fails: boolean;
}

const OPERATIONS: readonly DiskOperation[] = ["write", "sync", "extend", "open", "rename", "unlink", "syncDirectory", "read", "truncate"];

const SOUND: Plan = { lies: [], tellsEarly: false, fails: false };

/** The disk as a process sees it that ends with the power: what it had begun does not go on after the next start. */
function untilPowerFails(disk: SimulatedDisk): SimulatedDisk {
  const { boot } = disk;
  return new Proxy(disk, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...words: unknown[]) => {
        if (target.boot !== boot && (name === "syncDirectory" || name === "unlinkAsync")) return new Promise(() => {});
        if (target.boot !== boot) throw new PowerFailed("the process has ended");
        return Reflect.apply(value, target, words);
      };
    },
  });
}

/** The store of one round, and what is logged. */
async function openStore(
  disk: SimulatedDisk,
  clock: FakeClock,
  form: { blockBytesMax: number; compressed: boolean },
): Promise<{ store: DrivenStore; lines: string[] }> {
  const parts = testParts(untilPowerFails(disk), 1_000_000, clock);
  const options = { name: "S", directory: "/S", keys: null, relaxed: null, ...form };
  // A failure is part of the test: the store says so itself.
  const open: StorePlace["open"] = async (limits, observer) => {
    const quiet = { ...methodsOf(observer), onFailure: () => {} };
    return (await finish(openFileStore(parts, options, limits, quiet))).store;
  };
  const store = await DrivenStore.openAt({ open, kill() {} }, NO_STORE_LIMITS);
  return { store, lines: parts.lines };
}

function methodsOf(observer: Parameters<typeof openFileStore>[3]): Parameters<typeof openFileStore>[3] {
  return {
    onUsage: (messages, bytes) => observer.onUsage(messages, bytes),
    onRemoved: (sequence, subject, start, end, reason) => observer.onRemoved(sequence, subject, start, end, reason),
    onRemovedBelow: sequence => observer.onRemovedBelow(sequence),
    onDurable: () => observer.onDurable(),
    onFailure: (error, canRecover) => observer.onFailure(error, canRecover),
    onResumed: () => observer.onResumed(),
  };
}

async function change(store: DrivenStore, model: CrashModel, random: Random, time: bigint): Promise<void> {
  const { lastSequence } = store.state;
  const any = random.between(1, lastSequence + 1);
  const roll = random.below(100);
  if (roll < 70) {
    const payload = `${lastSequence + 1}:`.repeat(random.below(random.pick([3, 60, 400])));
    const sequence = await store.append(`s.${random.below(5)}`, "", payload, time, 0);
    // A message whose write has failed may be there after a start.
    model.stored(sequence === NOT_STORED ? lastSequence + 1 : sequence, payload, store);
  } else if (roll < 80) {
    model.removing(sequence => sequence === any);
    await store.remove(any);
  } else if (roll < 83) {
    model.removing(() => true);
    await store.purge(null, 0, 0);
  } else if (roll < 86) {
    model.removing(sequence => sequence < any);
    await store.compact(any);
  } else if (roll < 92) void (store.store as FileStore).tidy();
  else await Bun.sleep(0);
  model.removed(store);
  if (random.chance(0.7)) store.store.flush();
}

/** What lives on from one start of a round to the next. */
interface Round {
  readonly disk: SimulatedDisk;
  readonly model: CrashModel;
  readonly form: { readonly blockBytesMax: number; readonly compressed: boolean };
  readonly random: Random;
  readonly fails: boolean;
  time: bigint;
}

/** Opens the store, compares it with the model, and changes it until the power fails or some changes are made. @returns what is wrong; empty: nothing */
async function runProcess(round: Round): Promise<string> {
  const { disk, form, model, random } = round;
  const { boot } = disk;
  const clock = new FakeClock();
  const { lines, store } = await openStore(disk, clock, form);
  disk.cutPowerAt(Number.POSITIVE_INFINITY);
  const wrong = await model.compare(store);
  if (wrong !== "") return wrong;
  if (round.fails) disk.failAt(random.pick(OPERATIONS), random.between(1, 30), random.pick(["EIO", "ENOSPC"]));
  const reports = lines.filter(line => /damage|lost/.test(line));
  if (reports.length > 0) return reports.join("; ");
  disk.cutPowerAt(random.between(5, 250));
  for (let left = random.between(1, 60); left > 0 && disk.boot === boot && store.store.failure === null; left--) {
    round.time += 1_000_000n;
    await change(store, model, random, round.time);
    if (random.chance(0.3)) await Bun.sleep(0);
    // While the disk is full, the store looks again and again for room.
    if (random.chance(0.1)) clock.advance(1_000);
    if (disk.boot === boot) model.tell(store);
  }
  if (random.chance(0.3) && disk.boot === boot) await store.store.close();
  return "";
}

/** Plays a round with several starts. @returns what is wrong; empty: nothing */
async function play(seed: number, plan: Plan): Promise<string> {
  const random = new Random(seed);
  const disk = new SimulatedDisk({ seed, lies: plan.lies });
  disk.makeDirectory("/S");
  disk.makeDirectory("/S/msgs");
  disk.syncDirectoryNow("/");
  disk.syncDirectoryNow("/S");
  const form = { blockBytesMax: random.pick([300, 2_000, 100_000]), compressed: random.chance(0.2) };
  const round: Round = { disk, model: new CrashModel(plan.tellsEarly), form, random, fails: plan.fails, time: START_TIME };
  for (let start = 0; start < STARTS; start++) {
    const { boot } = disk;
    try {
      if (start > 0 && random.chance(0.3)) disk.cutPowerAt(random.between(1, 40));
      const wrong = await disk.whilePowered(runProcess(round));
      if (wrong !== "") return `start ${start}: ${wrong}`;
    } catch (error) {
      if (disk.boot === boot) throw error;
    }
    if (disk.boot === boot) disk.cutPower();
    disk.restart();
  }
  return "";
}

test(
  "fuzz: what the user was told survives power cuts at any moment",
  async () => {
    const seed = seedFromEnv();
    for (let round = 0; round < ROUNDS; round++) expect(await play(seed + round, SOUND), `SEED=${seed + round}`).toBe("");
  },
  TEST_MS,
);

test(
  "fuzz: what the user was told survives errors of the disk, followed by power cuts",
  async () => {
    const seed = seedFromEnv();
    for (let round = 0; round < ROUNDS; round++)
      expect(await play(seed + round, { ...SOUND, fails: true }), `SEED=${seed + round}`).toBe("");
  },
  TEST_MS,
);

async function expectNoticed(plan: Plan): Promise<void> {
  const seed = seedFromEnv();
  for (let round = 0; round < ROUNDS_WITH_DEFECT; round++) {
    const wrong = await play(seed + round, plan).catch(error => (error as Error).message);
    if (wrong !== "") return;
  }
  throw new Error("the defect was not noticed");
}

const DEFECTS: readonly [string, Plan][] = [
  ["no sync", { ...SOUND, lies: ["sync"] }],
  ["no sync of directories", { ...SOUND, lies: ["syncDirectory"] }],
  ["told before the sync", { ...SOUND, tellsEarly: true }],
];
for (const [name, plan] of DEFECTS) test(`the test notices a planted defect: ${name}`, () => expectNoticed(plan), TEST_MS);

test(
  "the test notices a planted defect: unlinked before the sync",
  async () => {
    const { afterDurable, barrier } = CommitLine.prototype;
    CommitLine.prototype.afterDurable = function (position, work) {
      void Promise.resolve(work()).catch(() => {});
      return afterDurable.call(this, position, () => {});
    };
    CommitLine.prototype.barrier = function (position, work) {
      void Promise.resolve(work()).catch(() => {});
      return barrier.call(this, position, () => {});
    };
    try {
      await expectNoticed(SOUND);
    } finally {
      Object.assign(CommitLine.prototype, { afterDurable, barrier });
    }
  },
  TEST_MS,
);
