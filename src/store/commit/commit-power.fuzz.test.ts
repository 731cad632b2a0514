/**
 * What was reported durable survives a power cut at any moment: a small store of numbers on the simulated disk. The same test must fail with each
 * planted defect, or it would prove nothing.
 *
 *   put: a record is appended to the active block     roll: a new block     move: the records of the oldest block are appended to the active one,
 *                                                                           and the old block is unlinked after the commit
 */
import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { type DiskLie, SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import type { DiskFile } from "../../base/disk/disk.ts";
import { Random } from "../../base/random/random.ts";
import type { CommitFile } from "./commit-file.ts";
import { CommitLine, type CommitObserver, type RelaxedSync } from "./commit-line.ts";
import { CommitService } from "./commit-service.ts";

const RECORD_BYTES = 64;

interface Plan {
  readonly lies: readonly DiskLie[];
  readonly bug: "none" | "acknowledged before the sync" | "no sync of the directory" | "unlinked before the sync";
  readonly relaxed: RelaxedSync | null;
  /** A sync fails now and then. */
  readonly faults: boolean;
}

const SOUND: Plan = { lies: [], bug: "none", relaxed: null, faults: false };

interface Block {
  readonly path: string;
  readonly file: DiskFile;
  readonly commit: CommitFile;
  readonly numbers: number[];
}

/** Never ends a sync by itself: the clock does. */
class NumberStore implements CommitObserver {
  readonly acknowledged = new Set<number>();
  isFrozen = false;
  private readonly blocks: Block[] = [];
  private readonly puts: { position: number; number: number }[] = [];
  private readonly line: CommitLine;
  private readonly directory: CommitFile;
  private position = 0;
  private nextBlock = 1;

  constructor(
    private readonly disk: SimulatedDisk,
    service: CommitService,
    private readonly plan: Plan,
  ) {
    disk.makeDirectory("/s");
    disk.syncDirectoryNow("/");
    this.line = new CommitLine(service, this, 0, plan.relaxed);
    this.directory = this.line.open({ sync: () => disk.syncDirectory("/s") });
    this.roll();
  }

  onDurable(position: number): void {
    this.acknowledge(position);
  }

  onFailure(): void {
    this.isFrozen = true;
  }

  put(number: number): void {
    const position = ++this.position;
    this.puts.push({ position, number });
    this.append([number], position);
    if (this.plan.bug === "acknowledged before the sync") this.acknowledge(position);
  }

  roll(): void {
    const path = `/s/${this.nextBlock++}`;
    const file = this.disk.open(path, "create");
    const position = ++this.position;
    this.blocks.push({ path, file, commit: this.line.open(file), numbers: [] });
    if (this.plan.bug === "no sync of the directory") this.line.advance(position);
    else this.directory.written(position, position);
  }

  move(): void {
    if (this.blocks.length < 2) return;
    const { path, file, commit, numbers } = this.blocks.shift()!;
    const position = ++this.position;
    this.append(numbers, position);
    const unlink = () => {
      expect(commit.isDirty).toBe(false);
      file.close();
      this.disk.unlink(path);
    };
    if (this.plan.bug === "unlinked before the sync") this.disk.unlink(path);
    else this.line.afterDurable(position, unlink);
  }

  private append(numbers: readonly number[], position: number): void {
    const block = this.blocks.at(-1)!;
    for (const number of numbers) block.file.append(recordOf(number));
    block.numbers.push(...numbers);
    block.commit.written(position, position, numbers.length * RECORD_BYTES);
  }

  private acknowledge(position: number): void {
    while (this.puts.length > 0 && this.puts[0].position <= position) this.acknowledged.add(this.puts.shift()!.number);
  }
}

function recordOf(number: number): Uint8Array {
  return new Uint8Array(RECORD_BYTES).fill(1 + (number % 255)).fill(number >> 8, 0, 1);
}

function numbersOn(disk: SimulatedDisk, all: number): Set<number> {
  const found = new Set<number>();
  const records = new Map(Array.from({ length: all }, (_, number) => [Buffer.from(recordOf(number)).toString("hex"), number]));
  if (disk.status("/s") === null) return found;
  for (const { name } of disk.list("/s")) {
    const content = disk.readFile(`/s/${name}`);
    for (let at = 0; at < content.length; at += RECORD_BYTES) {
      const number = records.get(content.subarray(at, at + RECORD_BYTES).toString("hex"));
      if (number !== undefined) found.add(number);
    }
  }
  return found;
}

/** @returns the acknowledged numbers that the power cut took, and how many were acknowledged */
async function run(seed: number, plan: Plan): Promise<{ lost: number[]; acknowledged: number }> {
  const clock = new FakeClock();
  const random = new Random(seed);
  const disk = new SimulatedDisk({ seed, clock, syncDelayMs: r => r.below(8), lies: plan.lies });
  const store = new NumberStore(disk, new CommitService(clock, random.between(1, 3)), plan);
  if (plan.faults) disk.failAt("sync", random.between(1, 12));
  let number = 0;
  for (let left = random.between(5, 120); left > 0 && !store.isFrozen; left--) {
    const action = random.below(20);
    if (action === 0) store.roll();
    else if (action === 1) store.move();
    else if (action < 14) store.put(number++);
    else {
      clock.advance(random.below(6));
      await Bun.sleep(0);
    }
  }
  for (let left = random.below(12); left > 0; left--) {
    clock.advance(1);
    await Bun.sleep(0);
  }
  disk.cutPower();
  disk.restart();
  const found = numbersOn(disk, number);
  return { lost: [...store.acknowledged].filter(each => !found.has(each)), acknowledged: store.acknowledged.size };
}

const ROUNDS = 150;

async function runMany(plan: Plan): Promise<{ lost: string[]; acknowledged: number }> {
  const seed = seedFromEnv();
  const lost: string[] = [];
  let acknowledged = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const result = await run(seed + round, plan);
    acknowledged += result.acknowledged;
    if (result.lost.length > 0) lost.push(`SEED=${seed + round} lost ${result.lost}`);
  }
  return { lost, acknowledged };
}

for (const [name, plan] of Object.entries({
  "": SOUND,
  ", also when syncs fail": { ...SOUND, faults: true },
  ", also when syncs may be late": { ...SOUND, relaxed: { intervalMs: 5, bytesMax: 10 * RECORD_BYTES } },
})) {
  test(`fuzz: what was reported durable survives a power cut${name}`, async () => {
    const { lost, acknowledged } = await runMany(plan);
    expect(lost).toEqual([]);
    expect(acknowledged).toBeGreaterThan(ROUNDS);
  });
}

for (const [name, plan] of Object.entries<Plan>({
  "syncs that do nothing": { ...SOUND, lies: ["sync"] },
  "syncs of directories that do nothing": { ...SOUND, lies: ["syncDirectory"] },
  "a lost error of a sync": { ...SOUND, lies: ["errors"], faults: true },
  "acknowledged before the sync": { ...SOUND, bug: "acknowledged before the sync" },
  "no sync of the directory": { ...SOUND, bug: "no sync of the directory" },
  "unlinked before the sync": { ...SOUND, bug: "unlinked before the sync" },
})) {
  test(`the test above notices a planted defect: ${name}`, async () => {
    expect((await runMany(plan)).lost.length).toBeGreaterThan(0);
  });
}
