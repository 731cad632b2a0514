/** The goal of a row, and the table that is printed. */
import type { RowResult, Waits } from "./measurement.ts";
import type { Row } from "./row.ts";

const P99_GOAL_MS = 10;
const MAX_GOAL_MS = 50;
/** Where the reference does not reach the goal either, ours may take so many times as long. */
const TIMES_REFERENCE = 2;
/** A bystander that was late itself by more than this proves nothing. */
const LATE_MAX_MS = 5;

export interface Measured {
  row: Row;
  /** Results of the rounds; a failed round is its error's text. */
  ours: (RowResult | string)[];
  reference: (RowResult | string)[];
}

/** One kind of wait of one side, over all rounds, in milliseconds: the median p99 and the highest maximum. */
interface Figure {
  p99: number;
  max: number;
}

type Kind = "ping" | "accept" | "health" | "timer" | "signal";
const KINDS: Kind[] = ["ping", "accept", "health", "timer", "signal"];

function succeeded(rounds: (RowResult | string)[]): RowResult[] {
  return rounds.filter(round => typeof round !== "string");
}

function figureOf(rounds: (RowResult | string)[], kind: Kind): Figure | null {
  const results = succeeded(rounds);
  if (kind === "signal") {
    const waits = results.map(({ signalMs }) => signalMs).filter(wait => wait !== null);
    return waits.length === 0 ? null : { p99: 0, max: Math.max(...waits) };
  }
  const waits = results.map(result => result[kind] satisfies Waits).filter(({ count }) => count > 0);
  if (waits.length === 0) return null;
  const sorted = waits.map(({ p99Us }) => p99Us).sort((left, right) => left - right);
  return { p99: sorted[sorted.length >> 1]! / 1_000, max: Math.max(...waits.map(({ maxUs }) => maxUs)) / 1_000 };
}

/** The limit for ours: the goal where the reference reaches it, otherwise twice the reference's. */
function limit(goal: number, reference: number | undefined): number {
  return reference === undefined || reference <= goal ? goal : TIMES_REFERENCE * reference;
}

/** What ours missed, in words; null when it reached the goal. */
export function missed({ ours, reference }: Measured): string | null {
  const failure = ours.find(round => typeof round === "string");
  if (failure !== undefined) return failure;
  if (ours.length === 0) return null;
  const complaints: string[] = [];
  for (const kind of KINDS) {
    const figure = figureOf(ours, kind);
    const base = figureOf(reference, kind) ?? undefined;
    if (figure === null) continue;
    // A reload, and the p99 of few connections, are single events: only their maximum counts.
    const p99Limit = limit(P99_GOAL_MS, base?.p99);
    const maxLimit = limit(MAX_GOAL_MS, base?.max);
    if (kind === "ping" && figure.p99 > p99Limit) complaints.push(`ping p99 > ${milliseconds(p99Limit)}`);
    if (figure.max > maxLimit) complaints.push(`${kind} > ${milliseconds(maxLimit)}`);
  }
  return complaints.length === 0 ? null : complaints.join(", ");
}

function milliseconds(value: number): string {
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  return value >= 10 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`;
}

function cell(rounds: (RowResult | string)[], kind: Kind): string {
  const figure = figureOf(rounds, kind);
  if (figure === null) return "–";
  return kind === "ping" ? `${milliseconds(figure.p99)} / ${milliseconds(figure.max)}` : milliseconds(figure.max);
}

const HEAD = ["row", "side", "PING p99 / max", "INFO max", "healthz max", "timers max", "SIGHUP", "load took", "RSS", "goal", "notes"];

function sideLine(side: "ours" | "reference", measured: Measured): string[] {
  const rounds = measured[side];
  const results = succeeded(rounds);
  const last = results.at(-1);
  const late = Math.max(0, ...results.map(({ lateUs }) => lateUs)) / 1_000;
  const notes = [...rounds.filter(round => typeof round === "string"), ...(last?.notes ?? [])];
  if (last && last.refused > 0) notes.push(`${last.refused} connections were closed without an answer`);
  if (last && last.unanswered > 0) notes.push(`${last.unanswered} connections got no answer`);
  if (late > LATE_MAX_MS) notes.push(`the bystander was ${milliseconds(late)} late`);
  return [
    measured.row.id,
    side,
    ...KINDS.map(kind => cell(rounds, kind)),
    last ? `${last.seconds.toFixed(1)} s` : "–",
    last ? `${last.rssMb.toFixed(0)} MB` : "–",
    side === "ours" ? (missed(measured) ?? "met") : "",
    notes.join("; "),
  ];
}

/** As aligned columns; two lines per row. */
export function table(all: Measured[]): string {
  const sides = ["ours", "reference"] as const;
  const lines = all.flatMap(measured => sides.filter(side => measured[side].length > 0).map(side => sideLine(side, measured)));
  const cells = [HEAD, ...lines];
  const widths = HEAD.map((_, column) => Math.max(...cells.map(line => line[column]!.length)));
  return cells
    .map(line =>
      line
        .map((text, column) => text.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
