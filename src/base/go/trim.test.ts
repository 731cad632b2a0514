import { expect, test } from "bun:test";
import { trimmed, trimmedBlanks } from "./trim.ts";

test("blanks at both ends are removed, others stay", () => {
  expect(trimmedBlanks(" \t a \t b\t ")).toBe("a \t b");
  expect(trimmedBlanks(" \t ")).toBe("");
  expect(trimmedBlanks("")).toBe("");
  expect(trimmedBlanks("\na\n")).toBe("\na\n");
});

test("a code unit inside is looked at only if it is next to an end", () => {
  let asked = 0;
  const text = `a${" ".repeat(1_000_000)}b`;
  expect(
    trimmed(text, code => {
      asked++;
      return code === 32;
    }),
  ).toBe(text);
  expect(asked).toBe(2);
});
