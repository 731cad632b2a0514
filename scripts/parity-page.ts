/** Writes docs/parity.md, the table of features as a page, from docs/parity.tsv. */
import { partsOf, type Row, STATES } from "./parity-table.ts";

const INTRODUCTION = `# Features of nats-server

For each feature of nats-server: whether it works here, and the tests that prove it. Written from [parity.tsv](parity.tsv) by \`bun run parity --write\`; do not edit. CI fails when a row is missing or names a test that does not exist.

- **works**: the named tests prove it.
- **partly**: part of it works; the note says what is missing.
- **later**: not supported yet.
`;

export function parityPage(rows: readonly Row[]): string {
  const areas = Map.groupBy(rows, row => row.area);
  const sections = [...areas].map(([area, ofArea]) => `## ${area}\n\n${featureTable(ofArea)}\n`);
  return [INTRODUCTION, `${summary(areas)}\n`, ...sections].join("\n");
}

function summary(areas: ReadonlyMap<string, readonly Row[]>): string {
  const counts = (rows: readonly Row[]) => STATES.map(state => String(rows.filter(row => row.state === state).length));
  const lines = [...areas].map(([area, rows]) => [area, String(rows.length), ...counts(rows)]);
  const all = [...areas.values()].flat();
  return table(["area", "features", ...STATES], [...lines, ["**all**", String(all.length), ...counts(all)]]);
}

function featureTable(rows: readonly Row[]): string {
  const named = rows.some(({ group }) => group !== "");
  return table(
    ["id", ...(named ? ["group"] : []), "feature", "state", "proof, or what is missing"],
    rows.map(({ id, group, feature, state, proof }) => [id, ...(named ? [escaped(group)] : []), escaped(feature), state, proofCell(proof)]),
  );
}

function proofCell(cell: string): string {
  const { proofs, notes } = partsOf(cell);
  const tests = proofs.map(({ path, title }) => `[${escaped(title)}](../${path})`);
  return [...tests, ...notes.map(escaped)].join("<br>");
}

/** Escapes characters that mean something in Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[\\|*_<>[\]`$]/g, "\\$&");
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...lines].map(cells => `| ${cells.join(" | ")} |`).join("\n");
}
