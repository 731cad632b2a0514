import { expect, test } from "bun:test";
import { appendHeader, buildHeader, removeHeader, replaceHeader, setHeader } from "./header-write.ts";

const BLOCK = Buffer.from("NATS/1.0\r\nA: 1\r\nB:2\r\nA:  3\r\n\r\n");

test("a block is built from status, description and fields", () => {
  expect(buildHeader([]).toString()).toBe("NATS/1.0\r\n\r\n");
  expect(buildHeader([["Nats-Subject", Buffer.from("a.b")]], 503).toString()).toBe("NATS/1.0 503\r\nNats-Subject: a.b\r\n\r\n");
  expect(
    buildHeader(
      [
        ["A", "1"],
        ["A", ""],
        ["B", "ü"],
      ],
      100,
      "Idle Heartbeat",
    ).toString(),
  ).toBe("NATS/1.0 100 Idle Heartbeat\r\nA: 1\r\nA: \r\nB: ü\r\n\r\n");
});

test("a value cannot become a field, and an invalid key throws", () => {
  expect(buildHeader([["A", "1\r\nEvil: 2"]], 400, "x\ny").toString()).toBe("NATS/1.0 400 x y\r\nA: 1  Evil: 2\r\n\r\n");
  expect(replaceHeader(BLOCK, "B", "\n").toString()).toBe("NATS/1.0\r\nA: 1\r\nB: \r\nA:  3\r\n\r\n");
  for (const key of ["", "A:", "A B", "A\r\n", "Ü"]) expect(() => appendHeader(null, key, "1"), key).toThrow(RangeError);
  for (const status of [1, 99, 1000, 200.5, -100]) expect(() => buildHeader([], status), `${status}`).toThrow(RangeError);
});

test("append adds a field at the end, set leaves one field of the key, replace changes the first value in place", () => {
  const before = BLOCK.toString();
  expect(appendHeader(BLOCK, "A", "9").toString()).toBe("NATS/1.0\r\nA: 1\r\nB:2\r\nA:  3\r\nA: 9\r\n\r\n");
  expect(setHeader(BLOCK, "A", "9").toString()).toBe("NATS/1.0\r\nB:2\r\nA: 9\r\n\r\n");
  expect(replaceHeader(BLOCK, "A", "long value").toString()).toBe("NATS/1.0\r\nA: long value\r\nB:2\r\nA:  3\r\n\r\n");
  expect(replaceHeader(BLOCK, "B", "").toString()).toBe("NATS/1.0\r\nA: 1\r\nB:\r\nA:  3\r\n\r\n");
  expect(replaceHeader(BLOCK, "C", "9").toString()).toBe("NATS/1.0\r\nA: 1\r\nB:2\r\nA:  3\r\nC: 9\r\n\r\n");
  for (const change of [appendHeader, setHeader, replaceHeader]) expect(change(null, "A", "9").toString()).toBe("NATS/1.0\r\nA: 9\r\n\r\n");
  expect(setHeader(Buffer.from("NATS/1.0\r\nA: 1\r\n\r\n"), "A", "9").toString()).toBe("NATS/1.0\r\nA: 9\r\n\r\n");
  expect(BLOCK.toString()).toBe(before);
});

test("remove deletes all values of exactly that key; a block without fields becomes null", () => {
  expect(removeHeader(BLOCK, "A")!.toString()).toBe("NATS/1.0\r\nB:2\r\n\r\n");
  expect(removeHeader(BLOCK, "C")).toBe(BLOCK);
  expect(removeHeader(BLOCK, "a")).toBe(BLOCK);
  for (const text of ["NATS/1.0\r\nA: 1", "A: 1\r\n\r\n", ""]) {
    const malformed = Buffer.from(text);
    expect(removeHeader(malformed, "A")).toBe(malformed);
  }
  expect(removeHeader(Buffer.from("NATS/1.0\r\nA: 1\r\nA: 2\r\n\r\n"), "A")).toBe(null);
  expect(removeHeader(Buffer.from("NATS/1.0 503\r\nA: 1\r\n\r\n"), "A")!.toString()).toBe("NATS/1.0 503\r\n\r\n");
});
