import { expect, test } from "bun:test";
import { readMimeHeader } from "./mime-header.ts";

/** Blocks without their first line, and the fields that `textproto` of Go 1.26 reads; null: an error. */
const VECTORS: readonly (readonly [block: string, fields: Record<string, string[]> | null])[] = [
  ["key: a\r\n\r\n", { Key: ["a"] }],
  ["x-b3-traceID: a \r\nx-B3-TraceId:\tb\r\n\r\n", { "X-B3-Traceid": ["a", "b"] }],
  ["A: 1\r\n  2\r\n\t3\r\nB: x\r\n\r\n", { A: ["1 2 3"], B: ["x"] }],
  [" a: 1\r\n\r\n", null],
  ["no colon\r\n\r\n", null],
  ["A: 1\r\n", null],
  ["A: 1", null],
  ["\r\n", {}],
  ["A b: 1\r\n\r\n", { "A b": ["1"] }],
  ["A\u0001: 1\r\n\r\n", null],
  ["A: \u0001\r\n\r\n", null],
  [": 1\r\n\r\n", null],
  ["A : 1\r\n\r\n", { "A ": ["1"] }],
  ["A: é\r\n\r\n", { A: ["é"] }],
  ["A: 1\nB: 2\n\n", { A: ["1"], B: ["2"] }],
  ["A: 1\r\n \r\nB: 2\r\n\r\n", { A: ["1 "], B: ["2"] }],
  ["A:1\r\n\r\nB:2\r\n\r\n", { A: ["1"] }],
  ["A: a\tb\u007f\r\n\r\n", null],
  ["a--b-C: 1\r\n\r\n", { "A--B-C": ["1"] }],
  ["A: 1\r\n\r", null],
  ["A: 1\r\n \r\n\r\n", { A: ["1 "] }],
  ["A:\r\n\r\n", { A: [""] }],
  ["A: x\r\n b:c\r\n\r\n", { A: ["x b:c"] }],
];

test("blocks are read as in Go: canonical keys, continued lines, and one malformed line makes a block unreadable", () => {
  for (const version of ["NATS/1.0\r\n", "NATS/1.0 503\r\n", "NATS/1.0\n"]) {
    const read = VECTORS.map(([block]) => {
      const fields = readMimeHeader(Buffer.from(version + block));
      return [block, fields === null ? null : Object.fromEntries(fields)];
    });
    expect(read).toEqual(VECTORS.map(([block, fields]) => [block, fields]));
  }
});

test("a block without lines has no fields", () => {
  expect(["", "NATS/1.0", "\r\n"].map(block => readMimeHeader(Buffer.from(block)))).toEqual([null, null, null]);
});

test("blanks inside a value take linear time", () => {
  const value = `a${" ".repeat(1_000_000)}b`;
  expect(readMimeHeader(Buffer.from(`NATS/1.0\r\nX: ${value} \r\n\r\n`))?.get("X")).toEqual([value]);
});
