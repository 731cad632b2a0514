import { expect, test } from "bun:test";
import { splitArguments } from "./arguments.ts";

test("arguments are split at spaces and tabs, up to the size of the bounds", () => {
  const split = (text: string) => {
    const bounds = new Int32Array(18);
    const source = Buffer.from(text);
    const count = splitArguments(source, 0, source.length, bounds);
    return Array.from({ length: count }, (_, index) => source.toString("latin1", bounds[index * 2], bounds[index * 2 + 1]));
  };
  expect(split("")).toEqual([]);
  expect(split(" \t ")).toEqual([]);
  expect(split("a")).toEqual(["a"]);
  expect(split(" a\tbc  d ")).toEqual(["a", "bc", "d"]);
  expect(split("1 2 3 4 5 6 7 8 9 10 11")).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});
