import { expect, test } from "bun:test";
import { bytesOf, piecesOf, textOf } from "./byte-text.ts";

const read = (text: string): string => Buffer.from(bytesOf(text)).toString("latin1");

test("escapes stand for single bytes, other characters for their UTF-8", () => {
  expect(read("a\\r\\n\\t\\\\\\x00\\xfFb")).toBe("a\r\n\t\\\x00\xffb");
  expect(read("é")).toBe("\xc3\xa9");
});

test("a repetition counts, and nests", () => {
  expect(read("\\(x\\)*3-")).toBe("xxx-");
  expect(read("\\(SUB \\# \\(y\\)*2;\\)*3")).toBe("SUB 1 yy;SUB 2 yy;SUB 3 yy;");
  expect(read("\\(x\\)*0")).toBe("");
});

test("cuts make pieces", () => {
  expect(piecesOf("a\\|\\|b").map(piece => Buffer.from(piece).toString())).toEqual(["a", "", "b"]);
  expect(piecesOf("\\(a\\|\\)*2").length).toBe(3);
  expect(() => bytesOf("a\\|b")).toThrow("cut");
});

test("mistakes are refused", () => {
  expect(() => bytesOf("\\q")).toThrow("unknown escape");
  expect(() => bytesOf("\\(x")).toThrow("not closed");
  expect(() => bytesOf("\\(x\\)")).toThrow("needs *N");
  expect(() => bytesOf("\\x0")).toThrow("two hex digits");
  expect(() => bytesOf("\\#")).toThrow("unknown escape");
});

test("what textOf writes, bytesOf reads", () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(bytesOf(textOf(all))).toEqual(all);
});
