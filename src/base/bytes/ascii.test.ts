import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import {
  bytesEqual,
  copyBytes,
  decimalSize,
  decode,
  encode,
  latin1,
  PRINTABLE_RANGES,
  parseSize,
  quote,
  startsWith,
  writeDecimal,
  writeSafeInteger,
} from "./ascii.ts";

test("a size is one to nine digits and nothing else", () => {
  const parse = (text: string) => parseSize(Buffer.from(`<${text}>`), 1, 1 + text.length);
  expect(["0", "7", "42", "007", "999999999", "000000000"].map(parse)).toEqual([0, 7, 42, 7, 999_999_999, 0]);
  for (const text of ["", "1000000000", "-1", "+1", "1.0", " 1", "1 ", "1e3", "0x1", "a", "1:", "1/", "\xb2"])
    expect(parse(text), text).toBe(-1);
});

test("a number is written in decimal, with the predicted size, and parses back", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const numbers = [
    0,
    9,
    10,
    99,
    100,
    999,
    1_000,
    99_999,
    100_000,
    999_999,
    1_000_000,
    9_999_999,
    10_000_000,
    99_999_999,
    100_000_000,
    999_999_999,
    1_000_000_000,
    2 ** 31 - 1,
  ];
  for (let round = 0; round < 2_000; round++) numbers.push(random.below(10 ** random.between(1, 9)));
  for (const number of numbers) {
    const target = Buffer.alloc(16, "x");
    const end = writeDecimal(target, 2, number);
    expect(target.toString("latin1"), `SEED=${seed}`).toBe(`xx${number}`.padEnd(16, "x"));
    expect(decimalSize(number), `${number}`).toBe(end - 2);
    if (number < 10 ** 9) expect(parseSize(target, 2, end)).toBe(number);
  }
});

test("a safe integer is written in decimal", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const numbers = [0, 7, 999_999_999, 1_000_000_000, 1_000_000_001, 2 ** 31, 2 ** 32, 10 ** 15, 2 ** 53 - 1];
  for (let round = 0; round < 2_000; round++) numbers.push(Math.floor(2 ** random.between(0, 52) * (1 + random.below(1_000) / 1_001)));
  for (const number of numbers) {
    const target = Buffer.alloc(20, "x");
    expect(writeSafeInteger(target, 2, number)).toBe(2 + String(number).length);
    expect(target.toString("latin1"), `SEED=${seed}`).toBe(`xx${number}`.padEnd(20, "x"));
  }
});

describe("quote", () => {
  // Expected texts are the output of Go's fmt.Printf("%q").
  const QUOTED: [hex: string, text: string][] = [
    ["", '""'],
    ["706c61696e", '"plain"'],
    ["6122625c63", '"a\\"b\\\\c"'],
    ["746162096e6c0a63720d62656c6c0762730866660c76740b", '"tab\\tnl\\ncr\\rbell\\abs\\bff\\fvt\\v"'],
    ["00011f7f", '"\\x00\\x01\\x1f\\x7f"'],
    ["c3bce282acf09f9880", '"ü€😀"'],
    ["fffe", '"\\xff\\xfe"'],
    ["61c3", '"a\\xc3"'],
    ["eda080", '"\\xed\\xa0\\x80"'],
    ["c080", '"\\xc0\\x80"'],
    ["f4908080", '"\\xf4\\x90\\x80\\x80"'],
    ["c2a0e2808be280a8efbbbf", '"\\u00a0\\u200b\\u2028\\ufeff"'],
    ["c2ad", '"\\u00ad"'],
    ["f3a08081", '"\\U000e0001"'],
    ["efbfbd", '"\ufffd"'],
    ["65cc81", '"e\u0301"'],
    ["cdb8", '"\\u0378"'],
    ["f09fa791e2808d", '"🧑\\u200d"'],
    ["e38080", '"\\u3000"'],
    ["ee8080", '"\\ue000"'],
    ["f4808080", '"\\U00100000"'],
    ["7b2261223a317d", '"{\\"a\\":1}"'],
    ["80616263e282", '"\\x80abc\\xe2\\x82"'],
    ["6027", '"`\'"'],
  ];
  test("every code point of the ranges that are not tested one by one is printable", () => {
    for (const [first, last] of PRINTABLE_RANGES) {
      for (let code = first; code <= last; code++) {
        expect(/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(String.fromCodePoint(code)), code.toString(16)).toBe(true);
      }
    }
  });

  test("quotes bytes like Go", () => {
    for (const [hex, text] of QUOTED) expect(quote(Buffer.from(hex, "hex")), hex).toBe(text);
  });

  test("quotes only the range, and does not complete a cut rune with bytes after it", () => {
    expect(quote(Buffer.from("<ü€>"), 1, 4)).toBe('"ü\\xe2"');
    expect(quote(Buffer.from("abc"), 1, 1)).toBe('""');
  });

  test("any bytes are quoted on one line, without ASCII control characters", () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(
        Array.from({ length: random.below(12) }, () => random.pick([random.below(256), random.below(0x30), 0xe2, 0x80])),
      );
      const quoted = quote(bytes);
      const message = `SEED=${seed} ${bytes.toString("hex")}`;
      expect([quoted[0], quoted.at(-1)], message).toEqual(['"', '"']);
      expect(
        [...quoted].every(char => char >= " " && char !== "\x7f"),
        message,
      ).toBe(true);
    }
  });
});

test("decodes ranges, copies bytes and compares them", () => {
  const bytes = encode("<ü€>");
  expect([decode(bytes), decode(bytes, 1, 3), decode(bytes, 2, 3), decode(new Uint8Array([0x61, 0xff]))]).toEqual([
    "<ü€>",
    "ü",
    "\ufffd",
    "a\ufffd",
  ]);
  expect(latin1(bytes, 1, 3)).toBe("\xc3\xbc");
  const own = copyBytes(bytes, 1, 3);
  bytes.fill(0);
  expect([own, own.buffer.byteLength]).toEqual([new Uint8Array([0xc3, 0xbc]), 2]);
  expect([bytesEqual(encode("ab"), encode("ab")), bytesEqual(encode("ab"), encode("ac")), bytesEqual(encode("ab"), encode("a"))]).toEqual([
    true,
    false,
    false,
  ]);
  const starts = (text: string, prefix: string) => startsWith(encode(`x${text}yz`), 1, 1 + text.length, encode(prefix));
  expect([starts("abc", "ab"), starts("abc", "abc"), starts("abc", ""), starts("abc", "abcy"), starts("abc", "b")]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("an array whose text was read gets no memory block of its own", () => {
  const arrays = Array.from({ length: 10_000 }, () => new Uint8Array(12).fill(0x61));
  const before = heapStats().extraMemorySize;
  for (const array of arrays) expect([decode(array), latin1(array, 0, 12)]).toEqual(["a".repeat(12), "a".repeat(12)]);
  expect(heapStats().extraMemorySize - before).toBeLessThan(arrays.length * 50);
  expect(arrays.length).toBe(10_000);
});
