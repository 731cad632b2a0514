/**
 * Records of message blocks: encoding into the staging space with checksums, 500 records per write, and verifying; compared with a
 * checksum in TypeScript. Also the copies that the encoder chooses from.
 *
 *   bun run bench/micro/record.ts              BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { HashKey } from "../../src/store/block/hash-key.ts";
import { LengthsChecksum } from "../../src/store/block/lengths-checksum.ts";
import { RecordFault } from "../../src/store/block/record-format.ts";
import { RecordHasher } from "../../src/store/block/record-hasher.ts";
import { RecordScan } from "../../src/store/block/record-scan.ts";
import { RecordView } from "../../src/store/block/record-view.ts";
import { sizeOf } from "../../src/store/block/record-writer.ts";
import { StagedRecords } from "../../src/store/block/staged-records.ts";
import { StagingArena, stagingBytes } from "../../src/store/block/staging-arena.ts";
import { Message } from "../../src/store/contract/message.ts";
import { slowHighwayHash } from "../../test/doubles/slow-highway-hash.ts";
import { Measurement } from "./measurement/measurement.ts";

const RECORDS = 500;
const measurement = new Measurement();
const arena = new StagingArena(new RecordHasher(stagingBytes(4)));
const { hasher } = arena;
const key = HashKey.ofBlock("ORDERS", 1);
const lengths = new LengthsChecksum();

/** The read buffer of a connection: subject and payload of the messages. */
const source = Buffer.alloc(64 * 1024, "orders.eu.created ");
const header = Buffer.from("NATS/1.0\r\nNats-Msg-Id: 8f14e45fceea167a\r\n\r\n");

/** Encodes one run of messages as a publish does. */
function stageRun(staged: StagedRecords, message: Message): void {
  for (let index = 0; index < RECORDS; index++) {
    message.sequence = index + 1;
    const size = sizeOf(message);
    const at = staged.reserve(size);
    arena.writer.message(at, message);
    staged.added(size);
  }
}

for (const [name, payloadSize, withHeader] of [
  ["16 B", 16, false],
  ["128 B", 128, false],
  ["200 B", 200, false],
  ["128 B with header", 128, true],
  ["1 KiB", 1024, false],
] as const) {
  const staged = new StagedRecords(arena);
  const message = new Message();
  message.timeHigh = 395_812_618;
  message.timeLow = 1_234_567_890;
  message.setSubject(source, 100, 117);
  message.setPayload(source, 1_000, 1_000 + payloadSize);
  if (withHeader) message.setHeader(header, 0, header.length);
  stageRun(staged, message);
  staged.seal(key, null);
  const block = Buffer.from(staged.bytes);
  staged.clear();

  measurement.add(`${name}: encode`, RECORDS, () => {
    stageRun(staged, message);
    staged.clear();
  });
  measurement.add(`${name}: encode and seal`, RECORDS, () => {
    stageRun(staged, message);
    staged.seal(key, lengths);
    staged.clear();
  });
  stageRun(staged, message);
  const { start, end } = staged;
  measurement.add(`${name}: seal`, RECORDS, () => hasher.sealRecords(start, end, key, lengths));
  staged.clear();
  measurement.add(`${name}: verify a block`, RECORDS, () => hasher.verifyRecords(block, 0, block.length, key, lengths));
  let seen = 0;
  const visitor = {
    onRecord: (record: RecordView) => {
      seen += record.payloadEnd;
    },
  };
  measurement.add(`${name}: verify and visit a block`, RECORDS, () => {
    const scan = new RecordScan(hasher, key, block, 0, block.length, visitor);
    while (scan.step(256 * 1024));
    return seen;
  });
  const view = new RecordView();
  measurement.add(`${name}: read without checksum`, RECORDS, () => {
    let at = 0;
    while (view.read(block, at, block.length) === RecordFault.None) at = view.end;
    return at;
  });
}

const record = source.subarray(0, 186);
const keyBytes = new Uint8Array(32).fill(7);
measurement.add("186 B: slow HighwayHash of the tests, BigInt", 1, () => do_not_optimize(slowHighwayHash(keyBytes, record)));

for (const size of [16, 32, 40, 48, 64, 128, 1024]) {
  const target = hasher.bytes;
  const at = hasher.stagingStart;
  const start = 333;
  const repeat = (name: string, work: (index: number) => unknown) =>
    measurement.add(`copy of ${size} B: ${name}`, RECORDS, () => {
      for (let index = 0; index < RECORDS; index++) do_not_optimize(work(index));
    });
  repeat("loop", index => {
    for (let from = start, to = at + index; from < start + size; from++, to++) target[to] = source[from];
  });
  repeat("native copy", index => Buffer.prototype.copy.call(source, target, at + index, start, start + size));
  repeat("subarray and set", index => target.set(source.subarray(start, start + size), at + index));
}

await measurement.run();
