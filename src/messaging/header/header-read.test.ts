import { expect, test } from "bun:test";
import { checkHeader, HeaderFault, HeaderFields, HeaderKey, headerText, headerValue, headerValueEnd } from "./header-read.ts";

/** The block between other bytes, so that a wrong offset fails the test. */
function placed(block: string): [bytes: Buffer, start: number, end: number] {
  const before = "PUB a: 1\r\nA: before\r\n";
  return [Buffer.from(`${before}${block}A: behind\r\n`), before.length, before.length + Buffer.byteLength(block)];
}

const first = (block: string, key: string) => headerText(...placed(block), new HeaderKey(key));

function fieldsOf(block: string): [string, string][] {
  const fields = new HeaderFields();
  const found: [string, string][] = [];
  for (fields.open(...placed(block)); fields.next(); ) found.push([fields.keyText, fields.valueText]);
  return found;
}

const BLOCK = "NATS/1.0\r\nA: 1\r\nBB:2\r\nA:   3 \r\nEmpty:\r\nC: x: y\r\n\r\n";

test("a lookup returns the first value of a key, without leading blanks but with trailing blanks", () => {
  expect(["A", "BB", "Empty", "C"].map(key => first(BLOCK, key))).toEqual(["1", "2", "", "x: y"]);
  expect(first("NATS/1.0\r\nA:   3 \r\n\r\n", "A")).toBe("3 ");
  expect(first("NATS/1.0\r\nA: \t3\r\n\r\n", "A")).toBe("\t3");
  const [bytes, start, end] = placed(BLOCK);
  const at = headerValue(bytes, start, end, new HeaderKey("BB"));
  expect([at - start, headerValueEnd(bytes, at, end) - start]).toEqual([19, 20]);
});

test("keys are compared byte by byte, and only between a CRLF and a colon", () => {
  for (const key of ["a", "B", "AA", "x", "NATS/1.0", "1", "before", "Empty:"]) expect(first(BLOCK, key), key).toBe(null);
  expect(first("NATS/1.0\r\nX: 1\nA: 2\r\n\r\n", "A")).toBe(null);
  expect(first("NATS/1.0\r\nA : 1\r\n\r\n", "A")).toBe(null);
  expect(first("NATS/1.0\r\n A: 1\r\n\r\n", "A")).toBe(null);
  expect(first("A: 1\r\nB: 2\r\n\r\n", "A")).toBe(null); // the status line is not a field
  expect(first("NATS/1.0\r\nAA: 1\r\nA: 2\r\n\r\n", "A")).toBe("2"); // a longer key before it does not hide it
  expect(first("NATS/1.0\r\nX: A\r\nA: 2\r\n\r\n", "A")).toBe("2");
});

test("a lookup in an incomplete block finds the fields that it contains", () => {
  expect(first("NATS/1.0\r\nA: 1", "A")).toBe("1");
  expect(first("NATS/1.0\r\nA: 1\r", "A")).toBe("1\r");
  expect(first("NATS/1.0\r\nA:", "A")).toBe("");
  expect(first("NATS/1.0\r\nA", "A")).toBe(null);
  expect(first("", "A")).toBe(null);
  const bytes = Buffer.from("NATS/1.0\r\nA:1\r\n\r\n");
  expect(headerValue(bytes, 0, 11, new HeaderKey("A"))).toBe(-1); // its colon is after the end of the block
});

test("all fields are found, in order", () => {
  expect(fieldsOf(BLOCK)).toEqual([
    ["A", "1"],
    ["BB", "2"],
    ["A", "3 "],
    ["Empty", ""],
    ["C", "x: y"],
  ]);
  expect(fieldsOf("NATS/1.0\r\n\r\n")).toEqual([]);
  expect(fieldsOf("NATS/1.0\r\nno field\r\n: no key\r\nA:1\r\n\r\n")).toEqual([["A", "1"]]);
});

test("the check of a block returns its first mistake, or None", () => {
  const faultOf = (block: string) => HeaderFault[checkHeader(...placed(block))];
  for (const block of [BLOCK, "NATS/1.0\r\n\r\n", "NATS/1.0 503\r\n\r\n", "NATS/1.0 503 No Responders\r\nÜ: ü\r\n\r\n"])
    expect(faultOf(block), block).toBe("None");
  const faults: [string, string][] = [
    ["", "Version"],
    ["NATS/1.1\r\n\r\n", "Version"],
    ["NATS/1.0 5\r\n\r\n", "Status"],
    ["NATS/1.0x\r\n\r\n", "Status"],
    ["NATS/1.0\nA: 1\r\n\r\n", "LineEnd"],
    ["NATS/1.0\r\nA: 1\rx\r\n\r\n", "LineEnd"],
    ["NATS/1.0\r\nA: 1\r\n\r", "LineEnd"],
    ["NATS/1.0\r\nA\r\n\r\n", "Field"],
    ["NATS/1.0\r\n: 1\r\n\r\n", "Field"],
    ["NATS/1.0\r\nA B: 1\r\n\r\n", "Key"],
    ["NATS/1.0\r\n A: 1\r\n\r\n", "Key"],
    ["NATS/1.0", "End"],
    ["NATS/1.0\r\n", "End"],
    ["NATS/1.0\r\nA: 1\r\n", "End"],
    ["NATS/1.0\r\nA: 1", "End"],
    ["NATS/1.0\r\n\r\nA: 1\r\n\r\n", "End"],
  ];
  for (const [block, fault] of faults) expect(faultOf(block), block).toBe(fault);
});
