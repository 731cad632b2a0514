/**
 * docs/parity.tsv: every feature of nats-server, and whether it works here.
 *
 *   id  area  group  feature  state  proof        tab-separated, one feature a line
 *
 *   state   works   the named tests prove it
 *           partly  a note says what is missing; tests may be named too
 *           later   not supported, or no useful part of it
 *   proof   parts between " | ": `path: title` of a test or of a wire scenario; any other part is a note
 *
 * Rows are only added. scripts/parity-rows.txt has the id and checksum of each, so that a row that is removed or reworded is found.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { namesTitle, titlesIn } from "./test-titles.ts";

export const STATES = ["works", "partly", "later"] as const;
export type State = (typeof STATES)[number];

export interface Row {
  readonly id: string;
  readonly area: string;
  readonly group: string;
  readonly feature: string;
  /** One of `STATES`; `tableErrors` checks it. */
  state: string;
  proof: string;
}

const HEAD = "id\tarea\tgroup\tfeature\tstate\tproof";
const PART_SEPARATOR = " | ";
const PROOF = /^((?:src|test|bench)\/\S+\.(?:test\.ts|wire)): (.+)$/;

/** @throws Error with the line number when a line has a wrong number of columns, or the head is wrong */
export function parseTable(text: string): Row[] {
  const [head, ...lines] = text.replace(/\n$/, "").split("\n");
  if (head !== HEAD) throw new Error(`line 1 must be: ${HEAD}`);
  return lines.map((line, index) => {
    const cells = line.split("\t");
    if (cells.length !== 6) throw new Error(`line ${index + 2}: ${cells.length} columns instead of 6`);
    const [id, area, group, feature, state, proof] = cells as [string, string, string, string, string, string];
    return { id, area, group, feature, state, proof };
  });
}

export function tableText(rows: readonly Row[]): string {
  return `${[HEAD, ...rows.map(row => [row.id, row.area, row.group, row.feature, row.state, row.proof].join("\t"))].join("\n")}\n`;
}

/** A line of scripts/parity-rows.txt. */
export function rowMark({ id, area, group, feature }: Row): string {
  return `${id} ${new Bun.CryptoHasher("sha256").update([id, area, group, feature].join("\t")).digest("hex").slice(0, 12)}`;
}

export function idOfMark(mark: string): string {
  return mark.slice(0, mark.indexOf(" "));
}

export interface Proof {
  readonly path: string;
  readonly title: string;
}

/** The parts of a proof cell: tests that are named, and notes. */
export function partsOf(cell: string): { proofs: Proof[]; notes: string[] } {
  const proofs: Proof[] = [];
  const notes: string[] = [];
  for (const part of cell.split(PART_SEPARATOR)) {
    const [, path, title] = PROOF.exec(part.trim()) ?? [];
    if (path !== undefined && title !== undefined) proofs.push({ path, title });
    else if (part.trim() !== "") notes.push(part.trim());
  }
  return { proofs, notes };
}

/**
 * Errors of the table, one sentence each; empty when there are none.
 * @param marks lines of scripts/parity-rows.txt
 * @param root directory that the paths of proofs are relative to
 */
export function tableErrors(rows: readonly Row[], marks: readonly string[], root: string): string[] {
  const titles = new Map<string, string[] | null>();
  const titlesOf = (path: string): string[] | null => {
    if (!titles.has(path)) titles.set(path, existsSync(join(root, path)) ? titlesIn(join(root, path)) : null);
    return titles.get(path)!;
  };
  return [...rowErrors(rows, marks), ...rows.flatMap(row => stateErrors(row, titlesOf))];
}

function rowErrors(rows: readonly Row[], marks: readonly string[]): string[] {
  const errors: string[] = [];
  const present = new Map(rows.map(row => [row.id, rowMark(row)]));
  if (present.size < rows.length) errors.push("an id occurs twice");
  for (const mark of marks) {
    const id = idOfMark(mark);
    if (!present.has(id)) errors.push(`row ${id} is missing`);
    else if (present.get(id) !== mark) errors.push(`row ${id} is not worded as it was`);
  }
  const known = new Set(marks.map(idOfMark));
  for (const { id } of rows) if (!known.has(id)) errors.push(`row ${id} is new: \`bun run parity --write\` takes it in`);
  return errors;
}

function stateErrors({ id, state, proof }: Row, titlesOf: (path: string) => string[] | null): string[] {
  const { proofs, notes } = partsOf(proof);
  const errors: string[] = [];
  if (!(STATES as readonly string[]).includes(state)) errors.push(`row ${id}: unknown state "${state}"`);
  if (state === "works" && proofs.length === 0) errors.push(`row ${id} works, but names no test that proves it`);
  if (state === "partly" && notes.length === 0) errors.push(`row ${id} works partly, but does not say what is missing`);
  for (const { path, title } of proofs) {
    const titles = titlesOf(path);
    if (titles === null) errors.push(`row ${id}: there is no ${path}`);
    else if (!namesTitle(titles, title)) errors.push(`row ${id}: ${path} has no test "${title}"`);
  }
  return errors;
}
