import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../../test/doubles/seed.ts";
import { Random } from "../../../base/random/random.ts";
import { type ClientHello, HelloCollector, type HelloOutcome, readHello } from "./client-hello.ts";

const HELLO: ClientHello = {
  serverName: "nats.example",
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0xc02f],
  signatureSchemes: [0x0403, 0x0804],
  groups: [0x001d, 0x0017],
};

const number = (value: number, size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (value >> (8 * (size - 1 - i))) & 0xff));
const vector = (size: number, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([number(body.length, size), body]);
};
const pairs = (values: readonly number[]) => Buffer.concat(values.map(value => number(value, 2)));
const extension = (type: number, body: Uint8Array) => Buffer.concat([number(type, 2), vector(2, body)]);

function bodyOf(hello: ClientHello, session = 32): Buffer {
  const name = Buffer.from(hello.serverName);
  return Buffer.concat([
    number(0x0303, 2),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(session)),
    vector(2, pairs(hello.cipherSuites)),
    vector(1, Buffer.from([0])),
    vector(
      2,
      ...(name.length === 0 ? [] : [extension(0, vector(2, Buffer.from([0]), vector(2, name)))]),
      extension(0xfe0d, Buffer.alloc(300)), // an extension that is not read
      extension(10, vector(2, pairs(hello.groups))),
      extension(13, vector(2, pairs(hello.signatureSchemes))),
      extension(43, vector(1, pairs(hello.versions))),
    ),
  ]);
}

/** The message, split into records of at most `recordBytes` bytes. */
function recordsOf(body: Buffer, recordBytes = 16_384): Buffer {
  const message = Buffer.concat([Buffer.from([1]), vector(3, body)]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(Buffer.from([0x16, 3, 1]), vector(2, message.subarray(at, at + recordBytes)));
  }
  return Buffer.concat(records);
}

/** Feeds the bytes in pieces chosen by `cut`. @returns the first outcome that is not "more" */
function collect(bytes: Buffer, cut: (left: number) => number): { outcome: HelloOutcome; collected: Buffer } {
  const collector = new HelloCollector();
  let outcome: HelloOutcome = { kind: "more" };
  for (let at = 0; at < bytes.length && outcome.kind === "more"; ) {
    const end = at + cut(bytes.length - at);
    outcome = collector.add(bytes.subarray(at, end));
    at = end;
  }
  return { outcome, collected: collector.bytes };
}

test("a hello gives the requested name and the client's abilities", () => {
  expect(readHello(bodyOf(HELLO))).toEqual(HELLO);
  expect(readHello(bodyOf({ ...HELLO, serverName: "" }))!.serverName).toBe("");
  expect(readHello(bodyOf({ ...HELLO, serverName: "dot.example." }))!.serverName).toBe("dot.example");
  const withoutExtensions = bodyOf(HELLO).subarray(0, 2 + 32 + 33 + 6 + 2);
  expect(readHello(withoutExtensions)).toEqual({
    serverName: "",
    versions: [0x0303],
    cipherSuites: [0x1301, 0xc02f],
    signatureSchemes: [],
    groups: [],
  });
});

test("fuzz: a hello reads the same however it is cut into records and reads, and its bytes are kept", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const records = recordsOf(bodyOf(HELLO, random.below(33)), 1 + random.below(600));
    const { outcome, collected } = collect(records, left => 1 + random.below(Math.min(left, 700)));
    expect(outcome, `SEED=${seed} round=${round}`).toEqual({ kind: "hello", hello: HELLO });
    expect(collected.equals(records)).toBe(true);
  }
});

test("fuzz: broken bytes never throw, never hang and never collect more than the limit", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const whole = recordsOf(bodyOf(HELLO));
  for (let round = 0; round < 3_000; round++) {
    const bytes = Buffer.concat([whole, Buffer.from(Array.from({ length: random.below(50) }, () => random.below(256)))]);
    for (let flips = 1 + random.below(8); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    const { outcome } = collect(bytes.subarray(0, 1 + random.below(bytes.length)), left => 1 + random.below(left));
    expect(["more", "notTls", "tooLarge", "hello"], `SEED=${seed} round=${round}`).toContain(outcome.kind);
  }
  const endless = collect(Buffer.alloc(100_000, Buffer.from("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x01\x00", "latin1")), () => 512);
  expect(endless.outcome.kind).toBe("hello"); // a message of 0x000101 bytes that is not a hello
  const slow = collect(Buffer.concat([Buffer.from("\x16\x03\x01\x40\x00\x01\x00\x7f\xff", "latin1"), Buffer.alloc(60_000, 0x16)]), () => 1);
  expect(slow.outcome.kind).not.toBe("more");
  expect(slow.collected.length).toBeLessThanOrEqual(32 * 1024 + 1);
});
