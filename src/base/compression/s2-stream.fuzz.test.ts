import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { crc32c } from "./crc32c.ts";
import { S2Codec, S2Error } from "./s2-codec.ts";
import { decodeS2Stream, encodeS2Stream } from "./s2-stream.ts";

const MOST = 1_000_000;
const codec = new S2Codec();
const decode = (base64: string) => decodeS2Stream(Buffer.from(base64, "base64"), MOST, codec);
const text = (count: number) =>
  Array.from({ length: count }, (_, i) => `line ${i}: client ${i * 7} subscribed to orders.${i % 5}.created\n`).join("");

/** Written by klauspost's own writer. */
const REPEATS = "/wYAAFMyc1R3TwA7AAB5xZVs2JQJHGFiY2RlZmdoEQgVADoAWBUADQB6EQEdAGMRADwwMTIzNDU2Nzg5QUJDREVGERAdAGQ4AA==";

/** The same content, by different writers. */
const LOGS = {
  log:
    "/wYAAFMyc1R3TwB+AgBtcKcv2Re8bGluZSAwOiBjbGllbnQgMCBzdWJzY3JpYmVkIHRvIG9yZGVycy4wLmNyZWF0ZWQKBTAAMRUwADcVAA4AMR" +
    "UABgAyFTAEMTRWYQAAMhUABgAzFWEEMjFWMQAAMxUABgA0GTEAOBUADgA0FQAGADUVMQQzNZL0AAA2FfQENDKS9QAANxX1BDQ5FQAdADgV9QQ1" +
    "NhUAHQA5FfUENjMVAB0AMTnpADea6gE965bsAQAxOe0AOBUAHgAxOe4AORUAHgAxOe8AORUAHgAxOfAEMTCW8QEAMTnyBDExlvMBADE59AQxMZ" +
    "b1AQAxOfYEMTKW9wEAMTn4BDEzlvkBADI5+QQxNJb6AQAyOfoEMTSa5wN96AA1lukDADI5/AQxNpbrAwAyOf0EMTaW7QMAMj3+ADcVAB4AMj3+" +
    "ADgVAB4AMj3+ADgVAB4AMj3+ADkVAB4AMjn+BDIwFQAeADM5/gQyMRUAHgAzOf4EMjEVAB4AMzn+BDIymucFOf4EMjMVAB4AMzn+BDIzFQAeAD" +
    "M5/gQyNBUAHgAzOf4EMjUVAB4AMzn+BDI1FQAeADM5/gQyNhUAHgAzPf4ANxUAHgA0Pf4AOBUAHgA0Pf4AOBUAHgA0Pf4AORUAHgA0Of4EMzCa" +
    "5wd5/AQzMBUAHgA0efwEMzEVAB4ANHn8BDMyFQAeADR5/AQzMhUAHgA0efwEMzMVAB4ANHn8BDM0FQAeADV5/AQzNRUAHgA1efwEMzUVAB4ANX" +
    "n8BDM2FQAeADV5/AQzNxUAHgA1Pf4AN5rnCbn6BDM4FQAeADW5+gQzORUAHgA1ufoEMzkVAB4ANbn6BDQwFQAeADW5+gQ0MRUAGQ==",
  logindex:
    "/wYAAFMyc1R3TwCSAgBtcKcv2Re8bGluZSAwOiBjbGllbnQgMCBzdWJzY3JpYmVkIHRvIG9yZGVycy4wLmNyZWF0ZWQKBTAAMRUwADcVAA4AMR" +
    "UABgAyFTAEMTRWMQAAMhUABgAzFTEEMjFWMQAAMxUABgA0GTEAOBUADgA0FQAGADUVMQQzNVYxADr0AAA2FfQENDJWMQA69QAANxX1BDQ5VjEA" +
    "OvUAADgV9QQ1NlYxADr1AAA5FfUENjNWMQA69QAAMTnpADea6gE965bsAQAxOe0AOBUAHgAxOe4AORUAHgAxOe8AORUAHgAxOfAEMTCW8QEAMT" +
    "nyBDExlvMBADE59AQxMZb1AQAxOfYEMTKW9wEAMTn4BDEzlvkBADI5+QQxNJb6AQAyOfoEMTSW+wEAMjn7BDE1lvwBADI5/AQxNpb9AQAyOf0E" +
    "MTaW/gEAMj3+ADcVAB4AMj3+ADgVAB4AMj3+ADgVAB4AMj3+ADkVAB4AMjn+BDIwlv4BADM5/gQyMZb+AQAzOf4EMjGW/gEAMzn+BDIylv4BAD" +
    "M5/gQyM5b+AQAzOf4EMjOW/gEAMzn+BDI0lv4BADM5/gQyNZb+AQAzOf4EMjWW/gEAMzn+BDI2lv4BADM9/gA3FQAeADQ9/gA4FQAeADQ9/gA4" +
    "FQAeADQ9/gA5FQAeADQ5/gQzMJb+AQA0Of4EMzCW/gEANDn+BDMxlv4BADQ5/gQzMpb+AQA0Of4EMzKW/gEANDn+BDMzlv4BADQ5/gQzNJb+AQ" +
    "A1Of4EMzWW/gEANTn+BDM1lv4BADU5/gQzNpb+AQA1Pf4ANxUAHgA1Pf4ANxUAHgA1Pf4AOBUAHgA1Pf4AORUAHgA1Pf4AORUAHgA1Of4ENDCW" +
    "/gEANTn+BDQxgv4B/j4AAM7WVvGebD9hZdb2meoap7ggC26pcx/7F9Ak0UnuI/pEk7ftfLXSjpAaqs6OZ9ypG2dZgihbqeRT9Al1me2qmRoAAH" +
    "MyaWR4ALIvAYCAgAECABQeAAAAAHhkaTJz",
  snappy:
    "/wYAAHNOYVBwWQCSAgBtcKcv2Re8bGluZSAwOiBjbGllbnQgMCBzdWJzY3JpYmVkIHRvIG9yZGVycy4wLmNyZWF0ZWQKBTAAMRUwADdWMAAAMT" +
    "YwAAAyFTAEMTRWMQAAMjYxAAAzFTEEMjFWMQAAMzYxAAA0GTEAOFYxAAA0NjEAADUVMQQzNVYxADr0AAA2FfQENDJWMQA69QAANxX1BDQ5VjEA" +
    "OvUAADgV9QQ1NlYxADr1AAA5FfUENjNWMQA69QAAMTnpADea6gE965bsAQAxOe0AOJbtAQAxOe4AOZbuAQAxOe8AOZbvAQAxOfAEMTCW8QEAMT" +
    "nyBDExlvMBADE59AQxMZb1AQAxOfYEMTKW9wEAMTn4BDEzlvkBADI5+QQxNJb6AQAyOfoEMTSW+wEAMjn7BDE1lvwBADI5/AQxNpb9AQAyOf0E" +
    "MTaW/gEAMj3+ADeW/gEAMj3+ADiW/gEAMj3+ADiW/gEAMj3+ADmW/gEAMjn+BDIwlv4BADM5/gQyMZb+AQAzOf4EMjGW/gEAMzn+BDIylv4BAD" +
    "M5/gQyM5b+AQAzOf4EMjOW/gEAMzn+BDI0lv4BADM5/gQyNZb+AQAzOf4EMjWW/gEAMzn+BDI2lv4BADM9/gA3lv4BADQ9/gA4lv4BADQ9/gA4" +
    "lv4BADQ9/gA5lv4BADQ5/gQzMJb+AQA0Of4EMzCW/gEANDn+BDMxlv4BADQ5/gQzMpb+AQA0Of4EMzKW/gEANDn+BDMzlv4BADQ5/gQzNJb+AQ" +
    "A1Of4EMzWW/gEANTn+BDM1lv4BADU5/gQzNpb+AQA1Pf4AN5b+AQA1Pf4AN5b+AQA1Pf4AOJb+AQA1Pf4AOZb+AQA1Pf4AOZb+AQA1Of4ENDCW" +
    "/gEANTn+BDQxgv4B",
} as const;

test("the checksum is that of RFC 3720", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

test("reads streams of klauspost's writer: plain, compressed, with repeats, with an index, and Snappy", () => {
  expect(decode("/wYAAFMyc1R3TwENAABdxSU3aGVsbG8sIFMy").toString()).toBe("hello, S2");
  const repeats = `${"abcdefgh".repeat(10)}${"abXdefgh".repeat(3)}${"z".repeat(70_000)}${"0123456789ABCDEF".repeat(5_000)}`;
  expect(decode(REPEATS).toString()).toBe(repeats);
  for (const stream of Object.values(LOGS)) expect(decode(stream).toString()).toBe(text(60));
  expect(decode("").length).toBe(0); // klauspost's output for empty content
});

test("an encoded stream decodes to its content: empty, one byte, and more than one chunk", () => {
  for (const size of [0, 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000]) {
    const content = Buffer.alloc(size, "some content");
    expect(decodeS2Stream(encodeS2Stream(content), size).equals(content)).toBe(true);
  }
});

test("a stream without identifier, cut off, damaged, of an unknown kind or too large is refused", () => {
  const whole = encodeS2Stream(Buffer.from("content"));
  const changed = (at: number, byte: number) => {
    const bytes = Buffer.from(whole);
    bytes[at] = byte;
    return bytes;
  };
  const refusals: [stream: Uint8Array, text: string][] = [
    [whole.subarray(10), "the stream does not begin with its identifier"],
    [changed(4, 0x73), "an identifier of another format"],
    [whole.subarray(0, -1), "a chunk is cut off"],
    [whole.subarray(0, 12), "a chunk is cut off"],
    [changed(whole.length - 1, 0), "a chunk with a wrong checksum"],
    [changed(10, 0x02), "a chunk of unknown kind 2"],
    [Buffer.concat([whole.subarray(0, 10), Buffer.from([0, 3, 0, 0, 1, 2, 3])]), "a chunk without its checksum"],
  ];
  for (const [stream, reason] of refusals) expect(() => decodeS2Stream(stream, MOST), reason).toThrow(new S2Error(reason));
  expect(decodeS2Stream(changed(10, 0x80), MOST).length).toBe(0); // a skippable chunk
  expect(() => decodeS2Stream(whole, 6)).toThrow(new S2Error("a chunk of 7 bytes exceeds the limit of 6"));
  expect(() => decodeS2Stream(Buffer.from(REPEATS, "base64"), 150_103)).toThrow(
    new S2Error("a block of 150104 bytes exceeds the limit of 150103"),
  );
});

test("a block with an invalid copy, or with more or less content than stated, is refused", () => {
  const refused = (bytes: number[], reason: string) =>
    expect(() => codec.decode(Buffer.from(bytes), new Uint8Array(100), 0, 100), reason).toThrow(new S2Error(reason));
  refused([], "a block without the size of its content");
  refused([0x80, 0x80, 0x80, 0x80, 0x80, 0x01], "a block without the size of its content");
  refused([0xff, 0xff, 0xff, 0xff, 0x0f], "a block of 4294967295 bytes exceeds the limit of 100");
  refused([4, 0x00, 65, 0x01, 0x00], "an invalid copy"); // a repeat without a copy before it
  refused([5, 0x00, 65, 0x01, 0x02], "an invalid copy"); // the offset is before the start
  refused([3, 0x00, 65, 0x01, 0x01], "an invalid copy"); // longer than the stated size
  refused([9, 0x04, 65], "a literal exceeds the block");
  refused([1, 0x04, 65, 66], "a literal exceeds the block");
  refused([2, 0x00, 65], "the content of a block is shorter than stated");
  refused([9, 0xf4], "an element is cut off");
  refused([9, 0x02, 0x01], "an element is cut off");
  expect(codec.decode(Buffer.from([0]), new Uint8Array(0), 0, 0)).toBe(0);
});

test("fuzz: changed streams are refused or decoded within the size limit", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const streams = [REPEATS, ...Object.values(LOGS)].map(stream => Buffer.from(stream, "base64"));
  for (let round = 0; round < 5_000; round++) {
    const bytes = Buffer.from(streams[random.below(streams.length)]);
    for (let flips = random.below(6); flips > 0; flips--) bytes[10 + random.below(bytes.length - 10)] = random.below(256);
    const cut = random.below(3) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
    const blocks = random.below(2) === 0;
    const most = random.below(200_000);
    try {
      const size = blocks ? codec.decode(cut.subarray(18), new Uint8Array(most), 0, most) : decodeS2Stream(cut, most, codec).length;
      expect(size, `SEED=${seed} round=${round}`).toBeLessThanOrEqual(most);
    } catch (error) {
      expect(error, `SEED=${seed} round=${round}`).toBeInstanceOf(S2Error);
    }
  }
});
