import { describe, expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { SimulatedDisk } from "../../../test/doubles/simulated-disk.ts";
import { Random } from "../../base/random/random.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { PAUSE } from "../../base/scheduling/sliced.ts";
import { HashKey } from "../block/hash-key.ts";
import { RecordHasher } from "../block/record-hasher.ts";
import type { MetaCipher } from "./meta-file.ts";
import { BlockState, SavedState, type SubjectWalk } from "./saved-state.ts";
import { type BlockEvidence, decodeState, STATE_ROWS, type StateFound, type StateKeys, StateRow, stateText } from "./state-decoder.ts";
import { StateFile } from "./state-file.ts";

const hasher = new RecordHasher(0);
const IGNORING = { onSubjects: () => {}, onSubject: () => {} };
const KEYS: StateKeys = { hasher, key: HashKey.ofName("ORDERS"), cipher: null };
/** Files of nats-server: two messages of one subject in block 1; a new, empty stream. */
const GOLDEN =
  "0b040277018080d0e2c6bfce972f028280d0e2c6bfce972f010a6f72646572732e6e65770201010101770100020200000001961a4570f0d6dbddcd4c5ba0400e369e";
const GOLDEN_EMPTY = "0b0400000000000000010100010000000000000100000000000000004568222356849e09";
const GOLDEN_HASH = "961a4570f0d6dbdd";

const CIPHER: MetaCipher = {
  seal: plain => Buffer.concat([Buffer.from("nonce"), plain.map(byte => byte ^ 0x55)]),
  open: stored => (Buffer.from(stored).toString("latin1", 0, 5) === "nonce" ? stored.slice(5).map(byte => byte ^ 0x55) : null),
};

interface Subject {
  readonly subject: string;
  readonly total: number;
  readonly firstBlock: number;
  readonly lastBlock: number;
}

class ListedSubjects implements SubjectWalk {
  bytes: Uint8Array = new Uint8Array(0);
  readonly start = 0;
  private index = -1;

  constructor(private readonly list: readonly Subject[]) {}

  get count(): number {
    return this.list.length;
  }

  get end(): number {
    return this.bytes.length;
  }

  get total(): number {
    return this.list[this.index].total;
  }

  get firstBlock(): number {
    return this.list[this.index].firstBlock;
  }

  get lastBlock(): number {
    return this.list[this.index].lastBlock;
  }

  next(): boolean {
    if (++this.index >= this.list.length) return false;
    this.bytes = Buffer.from(this.list[this.index].subject);
    return true;
  }
}

/** Runs a job. @returns its result, and how often it paused */
async function run<T>(job: Job<T>): Promise<{ result: T; pauses: number }> {
  let pauses = 0;
  let failure: unknown = null;
  for (;;) {
    const step = failure === null ? job.next() : job.throw(failure);
    failure = null;
    if (step.done) return { result: step.value, pauses };
    if (step.value === PAUSE) pauses++;
    else {
      await step.value.catch(error => {
        failure = error;
      });
    }
  }
}

/** All of a state as text, bytes as hexadecimal. */
function textOf(state: SavedState): string {
  return Bun.inspect(
    { ...state, lastHash: null, blocks: state.blocks.map(block => ({ ...block, deletedSet: null })) },
    { depth: 5 },
  ).concat(Buffer.from(state.lastHash).toString("hex"), ...state.blocks.map(({ deletedSet }) => Buffer.from(deletedSet).toString("hex")));
}

function evidence(blocks: readonly number[], hash: string | null): BlockEvidence {
  return {
    has: block => blocks.includes(block),
    newest: Math.max(0, ...blocks),
    lastHash: () => (hash === null ? null : Buffer.from(hash, "hex")),
  };
}

async function decode(
  stored: Uint8Array,
  disk: BlockEvidence,
  keys = KEYS,
): Promise<StateFound & { subjects: Subject[]; expected: number }> {
  const subjects: Subject[] = [];
  let expected = 0;
  const visitor = {
    onSubjects(count: number) {
      expected = count;
    },
    onSubject(bytes: Uint8Array, start: number, end: number, total: number, firstBlock: number, lastBlock: number) {
      subjects.push({ subject: Buffer.from(bytes.subarray(start, end)).toString(), total, firstBlock, lastBlock });
    },
  };
  const { result } = await run(decodeState(stored, keys, visitor, disk));
  return { ...result, subjects, expected };
}

/** Puts the checksum behind a body. */
function signed(body: Uint8Array | string): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body.replaceAll(" ", ""), "hex") : body;
  const sum = Buffer.alloc(8);
  hasher.hash(bytes, 0, bytes.length, KEYS.key, sum, 0);
  return Buffer.concat([bytes, sum]);
}

/** An encoded sequence set with one node for numbers below 2048. */
function setOf(sequences: readonly number[], version = 2): Uint8Array {
  const words = version === 2 ? 32 : 64;
  const set = Buffer.alloc(10 + 8 + words * 8 + 2);
  set.set([22, version, 1]);
  set.writeUInt32LE(sequences.length, 6);
  for (const sequence of sequences) set[18 + (sequence >> 3)] |= 1 << (sequence & 7);
  set.writeUInt16LE(1, set.length - 2);
  return set;
}

async function fileOf(state: SavedState, subjects: readonly Subject[], keys = KEYS): Promise<{ stored: Buffer; pauses: number }> {
  const disk = new SimulatedDisk({ seed: 1 });
  const file = new StateFile(disk, "/", keys);
  const source = { state, subjects: new ListedSubjects(subjects), isCurrent: () => true, whenDurable: async () => {} };
  const { result, pauses } = await run(file.write(source));
  expect(result).toBe(true);
  expect(disk.list("/").map(({ name }) => name)).toEqual(["index.db"]);
  return { stored: disk.readFile("/index.db"), pauses };
}

const TIME = 1_700_000_000_000_000_000n;

function golden(): SavedState {
  const state = new SavedState();
  const block = new BlockState();
  block.index = 1;
  for (const part of [state, block]) {
    part.bytes = 119;
    part.firstSequence = 1;
    part.lastSequence = 2;
    part.firstTime.setBigInt(TIME);
    part.lastTime.setBigInt(TIME + 1n);
  }
  state.messages = 2;
  state.blocks = [block];
  state.lastHash = Buffer.from(GOLDEN_HASH, "hex");
  return state;
}
const GOLDEN_SUBJECTS = [{ subject: "orders.new", total: 2, firstBlock: 1, lastBlock: 1 }];

describe("files of nats-server", () => {
  test("two messages: read, and written byte by byte", async () => {
    const found = await decode(Buffer.from(GOLDEN, "hex"), evidence([1], GOLDEN_HASH));
    expect([StateRow[found.row], found.subjects, stateText(found)]).toEqual(["Valid", GOLDEN_SUBJECTS, ""]);
    expect(textOf(found.state!)).toBe(textOf(golden()));
    expect((await fileOf(golden(), GOLDEN_SUBJECTS)).stored.toString("hex")).toBe(GOLDEN);
  });

  test("a new stream with an empty block", async () => {
    const found = await decode(Buffer.from(GOLDEN_EMPTY, "hex"), evidence([1], "0000000000000000"));
    expect([StateRow[found.row], found.subjects, found.state!.blocks[0].messages]).toEqual(["Valid", [], 0]);
    expect((await fileOf(found.state!, [])).stored.toString("hex")).toBe(GOLDEN_EMPTY);
  });

  test("older versions: without schedules, without time to live, with one block of a subject with one message", async () => {
    const head = "02 77 01 8080d0e2c6bfce972f 02 8280d0e2c6bfce972f";
    const tail = `01 ${GOLDEN_HASH}`;
    for (const [version, subjects, block] of [
      [1, "02 0161 01 01 0162 01 01", "01 77 01 00 02 02 00"],
      [2, "02 0161 01 01 0162 01 01", "01 77 01 00 02 02 00 05"],
      [3, "02 0161 01 01 0162 01 01", "01 77 01 00 02 02 00 05 06"],
      [4, "02 0161 01 01 01 0162 01 01 01", "01 77 01 00 02 02 00 05 06"],
    ] as const) {
      const found = await decode(signed(`0b 0${version} ${head} ${subjects} 01 ${block} ${tail}`), evidence([1], GOLDEN_HASH));
      expect([StateRow[found.row], found.subjects.map(({ lastBlock }) => lastBlock)]).toEqual(["Valid", [1, 1]]);
      expect([found.state!.blocks[0].ttls, found.state!.blocks[0].schedules]).toEqual([version >= 2 ? 5 : 0, version >= 3 ? 6 : 0]);
    }
    const twice = await decode(signed(`0b 03 ${head} 01 0161 02 01 07 01 01 77 01 00 02 02 00 00 00 ${tail}`), evidence([1], GOLDEN_HASH));
    expect(twice.subjects).toEqual([{ subject: "a", total: 2, firstBlock: 1, lastBlock: 7 }]);
  });
});

describe("what is found selects one row", () => {
  const stored = Buffer.from(GOLDEN, "hex");
  const body = stored.subarray(0, -8);
  const replaced = (from: string, to: string) => signed(body.toString("hex").replace(from, to));
  const here = evidence([1], GOLDEN_HASH);
  /** Totals, then the rest. */
  const after = (rest: string) => signed(`0b 04 00 00 00 00 00 00 ${rest}`.padEnd(60, " "));
  const padding = "00".repeat(20);
  const block = "01 77 01 00 02 02";
  const CASES: Record<StateRow, [Uint8Array | null, BlockEvidence, string][]> = {
    [StateRow.Valid]: [[stored, here, ""]],
    [StateRow.Missing]: [[null, here, ""]],
    [StateRow.Unreadable]: [[stored, here, "Could not read stream state file: EIO: read"]],
    [StateRow.TooShort]: [
      [stored.subarray(0, 31), here, "Stream state too short (31 bytes)"],
      [Buffer.alloc(0), here, "Stream state too short (0 bytes)"],
    ],
    [StateRow.ChecksumMismatch]: [
      [stored.subarray(1), here, "Stream state checksum did not match"],
      [Buffer.alloc(40), here, "Stream state checksum did not match"],
    ],
    [StateRow.Sealed]: [[stored, here, "Stream state error reading encryption key: cipher: message authentication failed"]],
    [StateRow.Version]: [
      [replaced("0b04", "0b05"), here, "Stream state magic and version mismatch"],
      [replaced("0b04", "0b00"), here, "Stream state magic and version mismatch"],
      [replaced("0b04", "0c04"), here, "Stream state magic and version mismatch"],
    ],
    [StateRow.SubjectCount]: [[after(`7f ${padding}`), here, "Stream state bad subject count (127)"]],
    [StateRow.SubjectSize]: [
      [after(`01 7f ${padding}`), here, "Stream state bad subject len (127)"],
      [after(`02 00 ff ff ff ff ff ff ff ff ff ff ${padding}`), here, "Stream state bad subject len (0)"],
    ],
    [StateRow.Subject]: ["00", "20", "61 20", "2e", "61 2e", "61 2e 2e 62", "3e 2e 61", "c3", "ef bf bd", "61 09", "61 0d 62"].map(
      subject => [
        after(`01 0${subject.replaceAll(" ", "").length / 2} ${subject} 01 01 01 ${padding}`),
        here,
        "Stream state corrupt subject detected",
      ],
    ),
    [StateRow.BlockCount]: [[after(`00 7f ${padding}`), here, "Stream state bad block count (127)"]],
    [StateRow.Block]: [
      [signed(`0b 04 00 00 00 00 00 00 00 02 ${block} 00 00 00 ${block} ffffffffff`), here, "Stream state ends within a block"],
    ],
    [StateRow.DeletedSet]: ["16 02 01000000 01000000", "16 03 00000000 01000000", "17 02 00000000 01000000", "16 02 00000000 02000000"].map(
      set => [after(`00 01 ${block} 01 00 00 ${set} ${padding}`), here, "Stream state error decoding avl dmap: ss: bad encoding"],
    ),
    [StateRow.NoLastHash]: [
      [signed(`0b 04 02 77 01 00 02 00 01 0a 6f72646572732e6e6577 02 01 01 00 01 aabbcc`), here, "Stream state has no checksum present"],
    ],
    [StateRow.TooLarge]: [
      [replaced("0b040277", "0b04ffffffffffffffff7f77"), here, "Stream state has a number above 9007199254740991"],
      [replaced("0b040277", "0b0480808080808080107f"), here, "Stream state has a number above 9007199254740991"],
    ],
    [StateRow.LastBlockUnlisted]: [
      [replaced("01961a", "02961a"), here, "Stream state block does not exist or index mismatch"],
      [after(`00 00 01 ${padding}`), here, "Stream state block does not exist or index mismatch"],
    ],
    [StateRow.LastBlockMissing]: [[stored, evidence([2], GOLDEN_HASH), "Stream state detected prior state, could not locate msg block 1"]],
    [StateRow.LastHash]: [
      [stored, evidence([1, 2], "961a4570f0d6dbde"), "Stream state outdated, last block has additional entries, will rebuild"],
      [stored, evidence([1], null), "Stream state outdated, last block has additional entries, will rebuild"],
    ],
    [StateRow.NewerBlocks]: [[stored, evidence([1, 2], GOLDEN_HASH), "Stream state outdated, found extra blocks, will rebuild"]],
    [StateRow.BlockMissing]: [
      [
        signed(`0b 04 02 77 01 00 02 00 00 02 01 77 01 00 02 02 00 00 00 03 00 03 00 02 00 00 00 00 03 ${GOLDEN_HASH}`),
        evidence([3], GOLDEN_HASH),
        "Stream state detected prior state, could not locate msg block 1",
      ],
    ],
    [StateRow.Totals]: [
      [replaced("0b0402", "0b0403"), here, "Stream state encountered internal inconsistency on recover"],
      [replaced("0b040277", "0b040278"), here, "Stream state encountered internal inconsistency on recover"],
      [
        signed(`0b 04 02 77 05 00 06 00 00 01 01 77 04 00 05 02 00 00 00 01 ${GOLDEN_HASH}`),
        here,
        "Stream state encountered internal inconsistency on recover",
      ],
      [
        signed(`0b 04 02 77 05 00 05 00 00 01 01 77 04 00 05 02 00 00 00 01 ${GOLDEN_HASH}`),
        here,
        "Stream state encountered internal inconsistency on recover",
      ],
    ],
  };

  for (const [row, cases] of Object.entries(CASES)) {
    test(StateRow[Number(row)], async () => {
      expect(cases.length).toBeGreaterThan(0);
      for (const [content, disk, text] of cases) {
        const isSealed = Number(row) === StateRow.Sealed;
        const simulated = new SimulatedDisk({ seed: 1 });
        if (content !== null) simulated.writeFile("/index.db", content);
        if (Number(row) === StateRow.Unreadable) simulated.failAt("read", 1);
        const file = new StateFile(simulated, "/", isSealed ? { ...KEYS, cipher: CIPHER } : KEYS);
        const { result } = await run(file.read(IGNORING, disk));
        const { kind } = STATE_ROWS[result.row];
        expect([StateRow[result.row], stateText(result), result.state !== null]).toEqual([
          StateRow[Number(row)],
          text,
          kind === "valid" || kind === "outdated",
        ]);
      }
    });
  }
});

/** A random store with everything the file can hold. */
function randomState(random: Random): { state: SavedState; subjects: Subject[] } {
  const state = new SavedState();
  const start = TIME - BigInt(random.below(2 ** 32)) * 1_000_000_007n;
  let sequence = random.chance(0.2) ? 2 ** 53 - 20_000 : random.below(1_000);
  let time = start;
  for (let index = random.between(1, 5); index > 0; index--) {
    const block = new BlockState();
    block.index = (state.blocks.at(-1)?.index ?? 0) + random.between(1, 300);
    block.firstSequence = sequence + 1;
    block.firstTime.setBigInt(time);
    const size = random.between(3, 1_000);
    sequence += size;
    time += BigInt(random.below(2 ** 32)) * 1_000n;
    block.lastSequence = sequence;
    block.lastTime.setBigInt(time);
    block.bytes = random.below(8_000_000);
    const deleted = Array.from({ length: size - 2 }, (_, each) => each + 1).filter(() => random.chance(0.1));
    block.deleted = deleted.length;
    if (deleted.length > 0) block.deletedSet = setOf(deleted, random.chance(0.2) ? 1 : 2);
    block.ttls = random.below(10);
    block.schedules = random.below(200);
    state.blocks.push(block);
  }
  const [first, last] = [state.blocks[0], state.blocks.at(-1)!];
  state.messages = state.blocks.reduce((sum, { messages }) => sum + messages, 0);
  state.bytes = state.blocks.reduce((sum, { bytes }) => sum + bytes, 0);
  state.firstSequence = first.firstSequence;
  state.firstTime.setBigInt(first.firstTime.toBigInt());
  state.lastSequence = last.lastSequence;
  state.lastTime.setBigInt(last.lastTime.toBigInt());
  state.lastHash = Uint8Array.from({ length: 8 }, () => random.below(256));
  const subjects = Array.from({ length: random.pick([0, 3, 500, 4_000]) }, (_, index) => ({
    subject: `é.${"x".repeat(random.below(80))}${index}`,
    total: random.between(1, 1_000_000),
    firstBlock: random.below(70_000),
    lastBlock: random.below(70_000),
  }));
  return { state, subjects };
}

test("fuzz: what is written is read, plain and encrypted", async () => {
  const seed = seedFromEnv();
  for (let round = 0; round < 60; round++) {
    const random = new Random(seed + round);
    const { state, subjects } = randomState(random);
    const keys = { ...KEYS, cipher: random.chance(0.5) ? CIPHER : null };
    const { stored } = await fileOf(state, subjects, keys);
    const blocks = state.blocks.map(({ index }) => index);
    const found = await decode(stored, evidence(blocks, Buffer.from(state.lastHash).toString("hex")), keys);
    expect([StateRow[found.row], found.subjects], `SEED=${seed + round}`).toEqual(["Valid", subjects]);
    expect(found.expected, `SEED=${seed + round}`).toBe(subjects.length);
    expect(textOf(found.state!), `SEED=${seed + round}`).toBe(textOf(state));
  }
});

test("a large state is encoded and decoded in small parts", async () => {
  const subjects = Array.from({ length: 30_000 }, (_, index) => ({ subject: `events.${index}`, total: 1, firstBlock: 1, lastBlock: 1 }));
  const { stored, pauses } = await fileOf(golden(), subjects);
  expect(pauses).toBeGreaterThan(50);
  const { result, pauses: pausesOfRead } = await run(decodeState(stored, KEYS, IGNORING, evidence([1], GOLDEN_HASH)));
  expect([StateRow[result.row], pausesOfRead > 50]).toEqual(["Valid", true]);
});

test("fuzz: every change of every byte and every cut is corrupt; with a right checksum it is any row, and nothing is thrown", async () => {
  const seed = seedFromEnv();
  const disk = evidence([1], GOLDEN_HASH);
  const stored = Buffer.from(GOLDEN, "hex");
  for (let at = 0; at < stored.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(stored);
      changed[at] ^= 1 << bit;
      expect(STATE_ROWS[(await decode(changed, disk)).row].kind).toBe("corrupt");
    }
    expect(STATE_ROWS[(await decode(stored.subarray(0, at), disk)).row].kind).toBe("corrupt");
  }
  const random = new Random(seed);
  const rows = new Set<StateRow>();
  const { stored: large } = await fileOf(randomState(random).state, GOLDEN_SUBJECTS);
  for (let round = 0; round < 6_000; round++) {
    const body = Buffer.from(random.pick([stored, large]).subarray(0, -8));
    for (let changes = random.between(1, 4); changes > 0; changes--)
      body[random.below(Math.min(body.length, 80))] = random.pick([0, 1, 127, 128, 255, random.below(256)]);
    const cut = random.chance(0.3) ? random.below(body.length) : body.length;
    rows.add((await decode(signed(body.subarray(0, cut)), disk)).row);
  }
  expect(rows.size).toBeGreaterThan(8);
});

describe("on the disk", () => {
  const source = (isCurrent: () => boolean = () => true) => ({
    state: golden(),
    subjects: new ListedSubjects(GOLDEN_SUBJECTS),
    isCurrent,
    whenDurable: async () => {},
  });

  test("a state that changes while it is encoded is given up, and the old file stays", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const file = new StateFile(disk, "/", KEYS);
    disk.writeFile("/index.db", Buffer.from("old"));
    const many = Array.from({ length: 2_000 }, () => GOLDEN_SUBJECTS[0]);
    let calls = 0;
    const changing = { state: golden(), subjects: new ListedSubjects(many), isCurrent: () => ++calls < 2, whenDurable: async () => {} };
    expect((await run(file.write(changing))).result).toBe(false);
    expect((await run(file.write(source(() => false)))).result).toBe(false);
    expect([disk.readFile("/index.db").toString(), disk.list("/").length]).toEqual(["old", 1]);
  });

  test("an error leaves the old file, and the next attempt works", async () => {
    for (const operation of ["open", "write", "sync", "rename"] as const) {
      const disk = new SimulatedDisk({ seed: 1 });
      const file = new StateFile(disk, "/", KEYS);
      disk.writeFile("/index.db", Buffer.from("old"));
      disk.failAt(operation, 1, "ENOSPC");
      expect(await run(file.write(source())).catch(error => error.code)).toBe("ENOSPC");
      expect([disk.readFile("/index.db").toString(), disk.list("/").length]).toEqual(["old", 1]);
      expect((await run(file.write(source()))).result).toBe(true);
      expect(disk.readFile("/index.db").toString("hex")).toBe(GOLDEN);
    }
  });

  test("a power cut leaves the old file or the new one, complete; a removal that was awaited stays", async () => {
    const seed = seedFromEnv();
    const found = new Set<string>();
    for (let round = 0; round < 60; round++) {
      for (let operation = 1; operation <= 9; operation++) {
        const disk = new SimulatedDisk({ seed: seed + round });
        const old = disk.open("/index.db", "create");
        old.append(Buffer.from("old"));
        old.syncNow();
        disk.syncDirectoryNow("/");
        disk.cutPowerAt(operation);
        const written = await run(new StateFile(disk, "/", KEYS).write(source())).catch(() => null);
        if (disk.boot === 0) disk.cutPower();
        disk.restart();
        const content = disk.readFile("/index.db").toString("hex");
        found.add(content);
        if (written !== null) expect(content, `SEED=${seed + round}`).toBe(GOLDEN);
        await new StateFile(disk, "/", KEYS).remove();
        disk.cutPower();
        disk.restart();
        expect(disk.status("/index.db"), `SEED=${seed + round}`).toBeNull();
      }
    }
    expect(found).toEqual(new Set([Buffer.from("old").toString("hex"), GOLDEN]));
  });
});
