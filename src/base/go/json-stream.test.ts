import { expect, test } from "bun:test";
import { PAUSE } from "../scheduling/sliced.ts";
import { jsonPieces, StreamedList, StreamedMap } from "./json-stream.ts";
import { goJson, rawNumber } from "./json-writer.ts";

function* paused<T>(items: readonly T[]): Generator<T | typeof PAUSE> {
  for (const item of items) {
    yield PAUSE;
    yield item;
  }
}

const text = (value: unknown, indent: number) => [...jsonPieces(value, indent)].join("");

test("pieces of streamed lists and maps are the text of the same value at once", () => {
  const plain = { a: [1, { b: [], c: "<\n" }], d: { e: { f: [[2, 3], {}], g: undefined }, h: {} }, i: null, j: [] };
  const streamed = () => ({
    a: new StreamedList(paused([1, { b: new StreamedList([]), c: "<\n" }])),
    d: { e: new StreamedMap(paused([["f", new StreamedList([[2, 3], {}])] as const])), h: new StreamedMap([]) },
    i: null,
    j: new StreamedList(paused([])),
  });
  for (const indent of [0, 2, 3]) expect(text(streamed(), indent)).toBe(goJson(plain, indent));
});

test("numbers beyond 2^53 keep their digits", () => {
  expect(text({ n: rawNumber("9223372036854775807"), l: new StreamedList([rawNumber("1")]) }, 0)).toBe('{"n":9223372036854775807,"l":[1]}');
});

test("a list of many items is written in many pieces of limited size", () => {
  const items = Array.from({ length: 10_000 }, (_, index) => ({ subject: `a.${index}` }));
  const pieces = [...jsonPieces({ list: new StreamedList(items) }, 2)];
  expect(pieces.join("")).toBe(goJson({ list: items }));
  expect(Math.max(...pieces.map(piece => piece.length))).toBeLessThan(17_000);
  expect(pieces.length).toBeGreaterThan(70);
});
