/**
 * Copies the tables of bench/compare/RESULTS.md and RESULTS-JETSTREAM.md into the README, each between its two marks.
 *
 *   --write   changes the README        --check   exit 1 when its table differs from RESULTS.md
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAMES = ["RESULTS.md", "RESULTS-JETSTREAM.md"];
const startOf = (name: string) => `<!-- results: filled from bench/compare/${name} by scripts/readme-results.ts -->`;
const END = "<!-- end of results -->";
const NOT_MEASURED = "Not measured yet: `make compare` measures this machine and writes the figures here.";
const readmeFile = join(import.meta.dir, "../README.md");
const directory = join(import.meta.dir, "../bench/compare");

/**
 * The README with the description and the table of `results` between its marks.
 * @param results text of the file; null when nothing was measured
 * @param name of the file, which the marks contain
 * @throws Error when the README has no marks, or the results have no table
 */
export function readmeWithResults(readme: string, results: string | null, name = NAMES[0]!): string {
  const mark = startOf(name);
  const start = readme.indexOf(mark);
  const end = start === -1 ? -1 : readme.indexOf(END, start);
  if (end === -1) throw new Error(`README.md has no section between "${mark}" and "${END}"`);
  const section = results === null ? NOT_MEASURED : sectionOf(results);
  return `${readme.slice(0, start)}${mark}\n\n${section}\n\n${readme.slice(end)}`;
}

/** The description of the run and the table, without the title and the line that says which script wrote it. */
function sectionOf(results: string): string {
  const lines = results.split("\n");
  const table = lines.findIndex(line => line.startsWith("|"));
  if (table === -1) throw new Error("RESULTS.md holds no table");
  const afterTable = lines.findIndex((line, index) => index > table && !line.startsWith("|"));
  const facts = lines.slice(0, table).filter(line => line !== "" && !line.startsWith("#") && !line.startsWith("Written by "));
  return [...facts, "", ...lines.slice(table, afterTable === -1 ? undefined : afterTable)].join("\n").trim();
}

/** The current text of the README, and the text it should have. */
export function readmeNow(): { is: string; shouldBe: string } {
  const is = readFileSync(readmeFile, "utf8");
  let shouldBe = is;
  for (const name of NAMES) {
    const file = join(directory, name);
    shouldBe = readmeWithResults(shouldBe, existsSync(file) ? readFileSync(file, "utf8") : null, name);
  }
  return { is, shouldBe };
}

if (import.meta.main) {
  const { is, shouldBe } = readmeNow();
  if (process.argv[2] === "--write") writeFileSync(readmeFile, shouldBe);
  else if (is !== shouldBe) {
    console.error("README.md does not hold the table of bench/compare/RESULTS.md: bun scripts/readme-results.ts --write");
    process.exitCode = 1;
  }
}
