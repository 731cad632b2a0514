import { expect, test } from "bun:test";
import { readQuery } from "../http/request-head.ts";
import { Query } from "./query.ts";

const query = (text: string) => new Query(readQuery(text));
const fault = (read: () => unknown) => {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
};

test("missing and empty parameters read as empty, false or 0", () => {
  for (const one of [query(""), query("a=")]) {
    expect([one.text("a"), one.flag("a"), one.integer("a"), one.unsigned("a"), one.subscriptions()]).toEqual(["", false, 0, 0, "none"]);
  }
});

test("the first of several values is used", () => {
  expect(query("a=1&a=2").integer("a")).toBe(1);
});

test("numbers are decimal; unsigned ones have no sign", () => {
  expect([query("a=-7").integer("a"), query("a=%2B7").integer("a"), query("a=007").integer("a"), query("a=7").unsigned("a")]).toEqual([
    -7, 7, 7, 7,
  ]);
  for (const text of ["1.5", "0x1", "1_0", " 1", "1e3"]) expect(fault(() => query(`a=${text}`).integer("a"))).toContain("invalid syntax");
  expect(fault(() => query("a=%2B7").unsigned("a"))).toBe(`Error decoding uint64 for 'a': strconv.ParseUint: parsing "+7": invalid syntax`);
  expect(fault(() => query("a=-9223372036854775809").integer("a"))).toContain("value out of range");
});

test("numbers beyond 2^53 are exact", () => {
  expect([query("a=9007199254740993").integer("a"), query("a=-9223372036854775808").integer("a")]).toEqual([
    9007199254740993n,
    -9223372036854775808n,
  ]);
  expect([query("a=18446744073709551615").unsigned("a"), query("a=9007199254740991").unsigned("a")]).toEqual([
    18446744073709551615n,
    9007199254740991,
  ]);
});

test("subs is a boolean, or detail in upper or lower case", () => {
  expect([query("subs=T").subscriptions(), query("subs=DETAIL").subscriptions(), query("subs=0").subscriptions()]).toEqual([
    "list",
    "detail",
    "none",
  ]);
});
