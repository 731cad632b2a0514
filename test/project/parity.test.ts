/** The table of features is complete, and every claim has a test; the checker finds every kind of mistake in it. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { parityErrors } from "../../scripts/parity.ts";
import { parityPage } from "../../scripts/parity-page.ts";
import { parseTable, type Row, rowMark, tableErrors, tableText } from "../../scripts/parity-table.ts";

const root = join(import.meta.dir, "../..");
const WIRE = "test/wire/scenarios/limits.wire: max_subscriptions";
const UNIT = "test/project/parity.test.ts: a proof may be a wire scenario or a test";

function row(changes: Partial<Row> = {}): Row {
  return { id: "1.1", area: "Area", group: "Group", feature: "Feature", state: "works", proof: WIRE, ...changes };
}

/** Errors of the checker for one row whose earlier version is `known`. */
function errorsOf(changed: Row, known = changed): string[] {
  return tableErrors([changed], [rowMark(known)], root);
}

test("docs/parity.tsv is complete, every test in it exists, and docs/parity.md is generated from it", () => {
  expect(parityErrors()).toEqual([]);
});

test("a proof may be a wire scenario or a test", () => {
  expect(errorsOf(row({ proof: `${WIRE} | ${UNIT} | and a note` }))).toEqual([]);
});

test("a test with a computed title may be named by any title it can have", () => {
  const path = "src/messaging/subject/subject-trie.fuzz.test.ts: fuzz: the trie answers like a list of patterns";
  expect(errorsOf(row({ proof: `${path} (cached, 3 rare words)` }))).toEqual([]);
  expect(errorsOf(row({ proof: path }))).toHaveLength(1);
});

test("a test that does not exist is no proof", () => {
  expect(errorsOf(row({ proof: "test/wire/scenarios/limits.wire: max_everything" }))).toEqual([
    'row 1.1: test/wire/scenarios/limits.wire has no test "max_everything"',
  ]);
  expect(errorsOf(row({ proof: "test/nowhere.test.ts: anything" }))).toEqual(["row 1.1: there is no test/nowhere.test.ts"]);
});

test("the state works needs a proof, partly needs a note, and later is the only other state", () => {
  expect(errorsOf(row({ proof: "it does" }))).toEqual(["row 1.1 works, but names no test that proves it"]);
  expect(errorsOf(row({ state: "partly" }))).toEqual(["row 1.1 works partly, but does not say what is missing"]);
  expect(errorsOf(row({ state: "done" }))).toEqual(['row 1.1: unknown state "done"']);
  expect(errorsOf(row({ state: "later", proof: "" }))).toEqual([]);
});

test("the checker reports missing, reworded, duplicate and unknown rows", () => {
  const mark = rowMark(row());
  expect(tableErrors([], [mark], root)).toEqual(["row 1.1 is missing"]);
  expect(errorsOf(row({ feature: "Less" }), row())).toEqual(["row 1.1 is not worded as it was"]);
  expect(tableErrors([row(), row()], [mark], root)).toEqual(["an id occurs twice"]);
  expect(tableErrors([row()], [], root)).toEqual(["row 1.1 is new: `bun run parity --write` takes it in"]);
});

test("reading and writing keeps the table; a line with a wrong number of columns is refused", () => {
  const rows = [row(), row({ id: "1.2", group: "", state: "later", proof: "" })];
  expect(parseTable(tableText(rows))).toEqual(rows);
  expect(() => parseTable(`${tableText(rows)}1.3\tArea`)).toThrow("line 4: 2 columns instead of 6");
});

test("the page counts states and escapes the characters of Markdown", () => {
  const page = parityPage([row({ feature: "STREAM.INFO.<name> | *" }), row({ id: "1.2", state: "later", proof: "" })]);
  expect(page).toContain("| Area | 2 | 1 | 0 | 1 |");
  expect(page).toContain("STREAM.INFO.\\<name\\> \\| \\*");
  expect(page).toContain("[max\\_subscriptions](../test/wire/scenarios/limits.wire)");
});
