/** Checks docs/parity.tsv, and writes docs/parity.md from it. parity-table.ts describes the format. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parityPage } from "./parity-page.ts";
import { idOfMark, parseTable, type Row, rowMark, STATES, tableErrors, tableText } from "./parity-table.ts";
import { titlesIn } from "./test-titles.ts";

const USAGE = `usage: bun run parity [option]
  --check                     exit 1 when the table is wrong or the page is not made of it
  --write                     takes in new rows and makes docs/parity.md
  --set ID STATE [PROOF]      changes one row and makes the page; STATE is one of ${STATES.join(", ")}
  --titles [PREFIX]           lists every test below a path, as a proof names it`;

const root = join(import.meta.dir, "..");
const tableFile = join(root, "docs/parity.tsv");
const pageFile = join(root, "docs/parity.md");
const marksFile = join(root, "scripts/parity-rows.txt");

function readMarks(): string[] {
  return existsSync(marksFile) ? readFileSync(marksFile, "utf8").trimEnd().split("\n") : [];
}

/** Errors of the table and its page, one sentence each. */
export function parityErrors(): string[] {
  const rows = parseTable(readFileSync(tableFile, "utf8"));
  const errors = tableErrors(rows, readMarks(), root);
  const page = existsSync(pageFile) ? readFileSync(pageFile, "utf8") : "";
  if (page !== parityPage(rows)) errors.push("docs/parity.md is not made of docs/parity.tsv: `bun run parity --write`");
  return errors;
}

function write(rows: readonly Row[]): void {
  const marks = readMarks();
  const known = new Set(marks.map(idOfMark));
  const added = rows.filter(({ id }) => !known.has(id)).map(rowMark);
  if (added.length > 0) writeFileSync(marksFile, `${[...marks, ...added].join("\n")}\n`);
  writeFileSync(tableFile, tableText(rows));
  writeFileSync(pageFile, parityPage(rows));
  for (const state of STATES) console.log(`${String(rows.filter(row => row.state === state).length).padStart(4)} ${state}`);
}

function setRow(rows: readonly Row[], id: string, state: string, proof: string): void {
  const row = rows.find(candidate => candidate.id === id);
  if (row === undefined) return stop(`there is no row ${id}`);
  row.state = state;
  row.proof = proof;
  write(rows);
}

function listTitles(prefix: string): void {
  const files = [...new Bun.Glob("{src,test,bench}/**/*.{test.ts,wire}").scanSync(root)].sort();
  for (const file of files) {
    if (file.startsWith(prefix)) for (const title of titlesIn(join(root, file))) console.log(`${file}: ${title}`);
  }
}

function report(errors: readonly string[]): void {
  if (errors.length > 0) stop(errors.join("\n"));
}

function stop(text: string): void {
  console.error(text);
  process.exitCode = 1;
}

function main([option, ...words]: string[]): void {
  const rows = () => parseTable(readFileSync(tableFile, "utf8"));
  if (option === "--check") return report(parityErrors());
  if (option === "--titles") return listTitles(words[0] ?? "");
  if (option === "--write") write(rows());
  else if (option === "--set" && words.length >= 2) setRow(rows(), words[0]!, words[1]!, words.slice(2).join(" "));
  else return stop(USAGE);
  report(parityErrors());
}

if (import.meta.main) main(process.argv.slice(2));
