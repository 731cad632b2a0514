import { expect, test } from "bun:test";
import { OPTIONS } from "../options.ts";
import type { Row } from "../row/option-row.ts";
import { CHECK_ORDER } from "./option-check.ts";

test("the order of checks contains every row with a check exactly once", () => {
  const rows = Object.entries(OPTIONS) as [string, Row<unknown>][];
  const withCheck = rows.filter(([, { check }]) => check !== undefined).map(([name]) => name);
  const ordered: string[] = CHECK_ORDER.filter(check => typeof check === "string");
  expect(ordered.toSorted()).toEqual(withCheck.toSorted());
});
