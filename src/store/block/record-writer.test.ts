/** Encoding and decoding of records: the bytes that a real server writes, and random records against the model. */
import { expect, test } from "bun:test";
import { GOLDEN_RECORDS, type ModelRecord, modelRecordBytes, randomRecord } from "../../../test/doubles/model-record.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Nanoseconds, nanosecondsOf } from "../../base/clock/nanoseconds.ts";
import { Random } from "../../base/random/random.ts";
import { Message } from "../contract/message.ts";
import { HashKey } from "./hash-key.ts";
import { largeRecord } from "./large-record.ts";
import { LengthsChecksum } from "./lengths-checksum.ts";
import { RecordFault, RecordKind } from "./record-format.ts";
import { RecordHasher } from "./record-hasher.ts";
import { RecordView } from "./record-view.ts";
import { RecordWriter, sizeOf } from "./record-writer.ts";

const KEY = HashKey.ofBlock("ORDERS", 1);
const TIME = 1_700_000_000_000_000_000n;
const text = (value: string) => Buffer.from(value, "latin1");
const hex = (value: string) => Buffer.from(value, "hex");

/** A message whose parts lie in the middle of other bytes. */
function messageOf(sequence: number, time: bigint, subject: Uint8Array, header: Uint8Array, payload: Uint8Array): Message {
  const message = new Message();
  const source = Buffer.concat([text("<<"), subject, text("|"), header, text("|"), payload, text(">>")]);
  const nanoseconds = new Nanoseconds().setBigInt(time);
  message.sequence = sequence;
  message.timeHigh = nanoseconds.high;
  message.timeLow = nanoseconds.low;
  const headerStart = 3 + subject.length;
  const payloadStart = headerStart + header.length + 1;
  message.setSubject(source, 2, 2 + subject.length);
  message.setHeader(source, headerStart, headerStart + header.length);
  message.setPayload(source, payloadStart, payloadStart + payload.length);
  return message;
}

/** What the writer leaves at offset 7 of other bytes, with its checksum. */
function written(encode: (writer: RecordWriter, at: number) => number): Buffer {
  const target = Buffer.alloc(700_000, 0xcc);
  const end = encode(new RecordWriter(target, new DataView(target.buffer, target.byteOffset)), 7);
  expect(target[6]).toBe(0xcc);
  expect(target[end]).toBe(0xcc);
  new RecordHasher(0).sealRecordsOf(target, 7, end, KEY);
  return target.subarray(7, end);
}

const empty = new Uint8Array(0);

test("the writer gives the records that a real server wrote", () => {
  const high = Number(TIME >> 32n);
  const low = Number(TIME & 0xffff_ffffn);
  const plain = messageOf(1, TIME, text("orders.new"), empty, text("hello"));
  expect(sizeOf(plain)).toBe(45);
  expect(written((writer, at) => writer.message(at, plain)).toString("hex")).toBe(GOLDEN_RECORDS.message);
  const withHeader = messageOf(2, TIME + 1n, text("orders.new"), text("NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n"), text("hi"));
  expect(sizeOf(withHeader)).toBe(74);
  expect(written((writer, at) => writer.message(at, withHeader)).toString("hex")).toBe(GOLDEN_RECORDS.withHeader);
  expect(written((writer, at) => writer.tombstone(at, 1, high, low)).toString("hex")).toBe(GOLDEN_RECORDS.tombstone);
  expect(written((writer, at) => writer.gap(at, 3, high, low)).toString("hex")).toBe(GOLDEN_RECORDS.gap);
});

test("an erased record has the size of the message, no time, no subject, and random bytes", () => {
  const record = written((writer, at) => writer.erased(at, 74, 2, target => target.fill(0x5a)));
  expect(record.subarray(0, 66).toString("hex")).toBe(`4a0000000200000000000080${"00".repeat(10)}${"5a".repeat(44)}`);
  const view = new RecordView();
  expect(view.read(record, 0, record.length)).toBe(RecordFault.None);
  expect([view.kind, view.sequence, view.size]).toEqual([RecordKind.Erased, 2, 74]);
});

test("sequences, times and sizes at their limits survive", () => {
  const view = new RecordView();
  for (const sequence of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
    for (const time of [0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 31n, 2n ** 32n]) {
      const record = written((writer, at) => writer.message(at, messageOf(sequence, time, text("s".repeat(65_535)), empty, empty)));
      expect(view.read(record, 0, record.length)).toBe(RecordFault.None);
      expect([view.kind, view.sequence, nanosecondsOf(view.timeHigh, view.timeLow)]).toEqual([RecordKind.Message, sequence, time]);
      expect([view.subjectStart, view.subjectEnd, view.payloadStart, view.payloadEnd]).toEqual([22, 65_557, 65_557, 65_557]);
    }
  }
});

test("the view refuses what is not a record, and sequences that are no safe integer", () => {
  const view = new RecordView();
  const golden = hex(GOLDEN_RECORDS.withHeader);
  const changed = (offset: number, ...values: number[]) => {
    const copy = Buffer.from(golden);
    copy.set(values, offset);
    return RecordFault[view.read(copy, 0, copy.length)];
  };
  for (const size of [0, 3]) expect(view.read(golden, 0, size), `${size}`).toBe(RecordFault.Cut);
  for (const size of [4, 21, 22, 73]) expect(view.read(golden, 0, size), `${size}`).toBe(RecordFault.Cut);
  expect(changed(0, 0, 0, 0, 0)).toBe("Zero");
  expect(changed(0, 29, 0, 0, 0)).toBe("BadLength");
  expect(changed(0, 43, 0, 0, 0x80)).toBe("BadLength"); // one less than its subject and header size need
  expect(changed(0, 1, 0, 0, 0x82)).toBe("BadLength"); // 32 MiB + 1
  expect(changed(0, 0, 0, 0, 0x82)).toBe("Cut"); // 32 MiB
  expect(changed(20, 0xff, 0xff)).toBe("BadLength");
  expect(changed(32, 31)).toBe("BadLength"); // header size, one too many
  expect(changed(32, 30)).toBe("None");
  expect(changed(32, 0xff, 0xff, 0xff, 0xff)).toBe("BadLength");
  expect(changed(4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0)).toBe("None");
  expect(changed(4, 0, 0, 0, 0, 0, 0, 0x20, 0)).toBe("BadSequence");
  expect(changed(11, 0x20)).toBe("BadSequence");
  expect(changed(11, 0xc0)).toBe("BadSequence"); // tombstone and gap at once
  expect(changed(11, 0x40)).toBe("None");
});

test("a record with sequence 0 counts as erased, as old servers wrote them", () => {
  const record = hex(GOLDEN_RECORDS.message);
  record.fill(0, 4, 12);
  const view = new RecordView();
  expect(view.read(record, 0, record.length)).toBe(RecordFault.None);
  expect([view.kind, view.sequence]).toEqual([RecordKind.Erased, 0]);
});

const kindOf = (record: ModelRecord): RecordKind =>
  (record.sequence & (1n << 62n)) !== 0n
    ? RecordKind.Tombstone
    : (record.sequence & (1n << 63n)) === 0n
      ? RecordKind.Message
      : record.payload.length === 0
        ? RecordKind.Gap
        : RecordKind.Erased;

test("fuzz: random records are encoded as the model does, and decode to what they were", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const target = Buffer.alloc(300_000);
  const writer = new RecordWriter(target, new DataView(target.buffer, target.byteOffset));
  const hasher = new RecordHasher(0);
  const view = new RecordView();
  const read = new Message();
  for (let round = 0; round < 400; round++) {
    const where = `SEED=${seed} round=${round}`;
    const number = 1 + random.below(2 ** 32) * random.below(2 ** 21);
    const record = randomRecord(random, BigInt(number), 3_000);
    const { subject, header, payload, time } = record;
    const message = messageOf(number, time, subject, header ?? empty, payload);
    const kind = kindOf(record);
    let end = 0;
    if (kind === RecordKind.Message) {
      if (header?.length === 0) record.header = null; // an empty header is none
      end = writer.message(5, message);
      expect(end, where).toBe(5 + sizeOf(message));
    } else if (kind === RecordKind.Gap) end = writer.gap(5, number, message.timeHigh, message.timeLow);
    else if (kind === RecordKind.Tombstone) end = writer.tombstone(5, number, message.timeHigh, message.timeLow);
    else end = writer.erased(5, 30 + payload.length, number, bytes => bytes.set(payload));
    const bytes = target.subarray(5, end);
    bytes.fill(0, bytes.length - 8);
    expect(bytes.equals(modelRecordBytes(record, null)), where).toBe(true);

    expect(view.read(target, 5, end), where).toBe(RecordFault.None);
    expect([view.kind, view.sequence, view.end], where).toEqual([kind, number, end]);
    view.fill(read, target);
    expect([nanosecondsOf(read.timeHigh, read.timeLow), read.sequence], where).toEqual([time, number]);
    const range = (source: Uint8Array, from: number, to: number) => Buffer.from(source.subarray(from, to)).toString("hex");
    expect(range(read.subject, read.subjectStart, read.subjectEnd), where).toBe(Buffer.from(subject).toString("hex"));
    expect(range(read.header, read.headerStart, read.headerEnd), where).toBe(Buffer.from(header ?? empty).toString("hex"));
    expect(range(read.payload, read.payloadStart, read.payloadEnd), where).toBe(Buffer.from(payload).toString("hex"));

    if (kind !== RecordKind.Message) continue;
    const lengths = new LengthsChecksum();
    const parts = Buffer.concat(largeRecord(hasher, message, KEY, lengths));
    const sealed = Buffer.from(bytes);
    hasher.sealRecordsOf(sealed, 0, sealed.length, KEY);
    expect(parts.equals(sealed), where).toBe(true);
    const walked = new LengthsChecksum();
    hasher.verifyRecords(parts, 0, parts.length, KEY, walked);
    expect(lengths, where).toEqual(walked);
  }
});
