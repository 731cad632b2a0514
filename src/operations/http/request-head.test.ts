import { expect, test } from "bun:test";
import { readHead } from "./request-head.ts";

test("blanks inside a value take linear time", () => {
  const value = `a${" ".repeat(1_000_000)}b`;
  const head = readHead(`GET / HTTP/1.0\r\nX:  ${value} \t\r\n\r\n`);
  expect("headers" in head && head.headers.get("x")).toEqual([value]);
});
