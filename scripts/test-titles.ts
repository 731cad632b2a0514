/**
 * Finds the titles of the tests in a file without running it: the names that a proof in docs/parity.tsv may use.
 *
 *   test("…", …)   test.skipIf(x)(`… ${y}`, …)      *.test.ts: the first argument; `${…}` stands for any text
 *   == …                                            *.wire: the title of a scenario
 * The file is read as text, so that a row can be checked even if the test would be skipped.
 */
import { readFileSync } from "node:fs";
import { parseScenarios } from "../test/wire/scenario.ts";

/** Matches a call of `test` or `it` with modifiers and tables, up to the quote of its title, and the title. */
const TEST_CALL =
  /\b(?:test|it)(?:\.\w+)*(?:\((?:[^()"'`]|\([^()]*\))*\)|\(\[[^\]]*\]\))?\(\s*(["'`])((?:\\.|\$\{(?:[^{}]|\{[^{}]*\})*\}|(?!\1)[\s\S])*)\1/g;
/** A `${…}`, which may contain another template with its own. */
const ANYTHING = /\$\{(?:[^{}]|\{[^{}]*\})*\}/g;

/** Titles as written, with escaped quotes unescaped. @throws Error when the file cannot be read */
export function titlesIn(path: string): string[] {
  const text = readFileSync(path, "utf8");
  if (path.endsWith(".wire")) return parseScenarios(text, path).map(({ title }) => title);
  return [...text.matchAll(TEST_CALL)].map(([, , title]) => title!.replaceAll(/\\(["'`\\])/g, "$1"));
}

/** Fewest fixed characters of a computed title; with fewer, nearly every name would match it. */
const OWN_TEXT_MIN = 12;

/** Whether `wanted` is one of the titles; `${…}` in a title matches any text. */
export function namesTitle(titles: readonly string[], wanted: string): boolean {
  return titles.some(title => title === wanted || (isComputed(title) && patternOf(title).test(wanted)));
}

function isComputed(title: string): boolean {
  return title.includes("${") && title.replaceAll(ANYTHING, "").length >= OWN_TEXT_MIN;
}

function patternOf(title: string): RegExp {
  const parts = title.split(ANYTHING).map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
