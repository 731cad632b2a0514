/** Makes the table from the samples: medians, ranges, ratios, and whether each floor is reached. */
import { cpus, release, totalmem } from "node:os";
import type { Failure, Sample } from "./load.ts";
import { MESSAGES_SINCE, STARTS } from "./start-up.ts";
import type { Figure, Floor, Workload } from "./workload.ts";

/** `synced`: the reference that syncs before each acknowledgement. */
export type Side = "ours" | "reference" | "synced" | "ceiling";
/** All rounds of one workload, in order, including failed ones. */
export type Rounds = Record<Side, (Sample | Failure)[]>;

interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

/** When the generator's ceiling is less than this many times our figure, the row measures the generator too. */
const CEILING_MARGIN = 1.3;
const HEAD = ["row", "work", "ours, median (range)", "nats-server 2.15.3", "ratio", "floor", "reached", "generator's ceiling"];

/** Lines of the table, one per figure, and whether every floor is reached and every run succeeded. */
export function reportRows(results: Map<Workload, Rounds>): { lines: string[][]; reached: boolean; failed: boolean } {
  const lines: string[][] = [];
  let reached = true;
  let failed = false;
  for (const [workload, rounds] of results) {
    for (const figure of workload.figures) {
      const ours = spreadOf(figure, rounds.ours);
      const base = figure.against === undefined ? null : roundsOf(results, figure.against);
      const other = rounds[figure.divisor ?? "reference"];
      const divisor = spreadOf(figure, base ? base.ours : other);
      const ratio = ours && divisor ? ours.median / divisor.median : Number.NaN;
      const holds = (figure.floor === undefined || reaches(ours, ratio, figure.floor)) && !rounds.ours.some(isFailure);
      reached &&= holds;
      failed ||= rounds.ours.some(isFailure) || other.some(isFailure);
      lines.push([
        workload.id,
        figure.title,
        base ? shareCell(figure, rounds.ours, base.ours) : cell(figure, ours, rounds.ours),
        base ? shareCell(figure, rounds.reference, base.reference) : cell(figure, divisor, other),
        Number.isNaN(ratio) ? "–" : ratio.toFixed(2),
        floorCell(figure),
        Number.isNaN(ratio) || figure.floor === undefined ? "–" : holds ? "yes" : "NO",
        ceilingCell(figure, ours, rounds.ceiling),
      ]);
    }
  }
  return { lines, reached, failed };
}

/** @throws Error when that workload was not run; the caller must choose it along with the workload compared with it */
function roundsOf(results: Map<Workload, Rounds>, id: string): Rounds {
  for (const [workload, rounds] of results) if (workload.id === id) return rounds;
  throw new Error(`nothing was measured of ${id}`);
}

/** A server's figure divided by its own figure in another workload. */
function shareCell(figure: Figure, samples: (Sample | Failure)[], base: (Sample | Failure)[]): string {
  const [part, whole] = [spreadOf(figure, samples), spreadOf(figure, base)];
  if (part === null || samples.some(isFailure)) return cell(figure, part, samples);
  if (whole === null) return "–";
  return `${(part.median / whole.median).toFixed(2)} of ${amount(figure, whole.median)} ${figure.unit}`;
}

function isFailure(sample: Sample | Failure): sample is Failure {
  return "error" in sample;
}

function spreadOf(figure: Figure, samples: (Sample | Failure)[]): Spread | null {
  const values = samples.filter((sample): sample is Sample => !isFailure(sample)).map(figure.read);
  if (values.length === 0) return null;
  values.sort((left, right) => left - right);
  const middle = values.length >> 1;
  const median = values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return { median, lowest: values[0], highest: values[values.length - 1] };
}

function reaches(ours: Spread | null, ratio: number, floor: Floor): boolean {
  if ("atLeast" in floor) return ratio >= floor.atLeast;
  return ratio <= floor.atMost || (ours !== null && floor.within !== undefined && ours.median <= floor.within);
}

function floorCell({ floor, unit }: Figure): string {
  if (floor === undefined) return "–";
  if ("atLeast" in floor) return `≥ ${floor.atLeast}`;
  return floor.within === undefined ? `≤ ${floor.atMost}` : `≤ ${floor.atMost}, or ≤ ${floor.within} ${unit}`;
}

function cell(figure: Figure, spread: Spread | null, samples: (Sample | Failure)[]): string {
  const failures = samples.filter(isFailure);
  const failure = failures.length > 0 ? `FAILED ${failures.length} of ${samples.length}: ${failures[0].error}` : "";
  if (spread === null) return failure || "–";
  const range = samples.length > 1 ? ` (${amount(figure, spread.lowest)}–${amount(figure, spread.highest)})` : "";
  return `${amount(figure, spread.median)} ${figure.unit}${range}${failure && `; ${failure}`}`;
}

function ceilingCell(figure: Figure, ours: Spread | null, samples: (Sample | Failure)[]): string {
  const ceiling = spreadOf(figure, samples);
  if (!figure.ceiling || ceiling === null) return samples.some(isFailure) ? cell(figure, null, samples) : "–";
  const room = !ours
    ? Number.NaN
    : figure.floor === undefined || "atLeast" in figure.floor
      ? ceiling.median / ours.median
      : ours.median / ceiling.median;
  const note = Number.isNaN(room) ? "" : ` (${room.toFixed(2)} × ours${room < CEILING_MARGIN ? `, under ${CEILING_MARGIN}` : ""})`;
  return `${amount(figure, ceiling.median)} ${figure.unit}${note}`;
}

function amount({ unit }: Figure, value: number): string {
  if (unit === "s") return value.toFixed(3);
  if (unit === "MB" || unit === "µs" || unit === "ms") return value.toFixed(value < 10 ? 1 : 0);
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}

/** As aligned columns, for a terminal. */
export function plainTable(lines: string[][]): string {
  const all = [HEAD, ...lines];
  const widths = HEAD.map((_, column) => Math.max(...all.map(line => line[column].length)));
  return all
    .map(line =>
      line
        .map((text, column) => text.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export interface RunFacts {
  rounds: number;
  scale: number;
  oursCommand: string;
  startedAt: Date;
}

export function markdownReport(lines: string[][], facts: RunFacts): string {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return `# bunats and nats-server 2.15.3, compared

Written by \`make compare\` (\`bun bench/compare/main.ts --write\`) on ${facts.startedAt.toISOString().slice(0, 10)}; do not edit.
${machine()}. Ours: \`${facts.oursCommand}\`, Bun ${Bun.version}.
${facts.rounds} rounds (JetStream: at most 3)${facts.scale === 1 ? "" : ` (short ones, × ${facts.scale})`}, ours and the reference alternating, each run on a fresh server with default settings, except those that the row names.

${row(HEAD)}
${row(HEAD.map(() => "---"))}
${lines.map(row).join("\n")}

How it is measured:
- The load generator (\`load.c\`) uses raw sockets and prebuilt bytes, with publishers in one process and subscribers in another, on the
  machine of the server. It verifies the first message byte by byte and that exactly the expected messages arrive, none twice.
- A rate is messages received by all subscribers together, from the first byte published to the last byte received; for publish only
  it ends with the PONG to a PING after the last message. A third of the messages is sent first as a warm-up over the same connections.
- 4 → 4: one subject; every subscriber receives the messages of all four publishers. Many subjects are published in a shuffled order.
- Request–reply: requester and responder are two processes with one connection each; every request has its own reply subject.
- Permissions and accounts: both servers read the same file of four accounts; publisher and subscriber are users of one of them, each
  with allow and deny lists of two to five patterns. Their second line divides a server's figure by
  its own figure without permissions; its ratio is only ours. Both workloads run in the same rounds, directly one after the other.
- Service import: the requester's account imports the service of the responder's account.
- Logins: eight at a time, by 500 users in turn: connect, read INFO, CONNECT and PING, wait for the PONG, close. JWT: operator mode
  with a preloaded account, each user presents a token and signs the nonce with OpenSSL's Ed25519. The generator's
  ceiling includes these signatures.
- CPU is the server's user and system time. Memory is the server's resident set 3 s after the last connection was confirmed.
- TLS: the generator uses OpenSSL, with TLS 1.3 and AES-128-GCM for both servers; servers present an ECDSA certificate.
- Bystander: one more client sends a PING every 2 ms during the measurement, whether or not the one before was answered, from a process of
  its own with a real-time priority. A figure is the wait until the PONG.
- JetStream: a publisher sends more as soon as PubAcks have come, and checks the stream and sequence of each; at last the stream must hold
  as many messages as were acknowledged. Payloads are lines of device data. Stores are on the disk of the machine. Ours syncs before it
  acknowledges, as it does by default; nats-server syncs every two minutes by default, and before each acknowledgement with
  \`sync_interval: always\`. Gets check subject or sequence, and every byte of the payload.
- Ours runs from its sources, with as many threads for syncs and reads as the executable has.
- JetStream beside core messages: the stream has been busy for two seconds when the first of them is published.
- Start: from the spawn of the process until a client is greeted, median of ${STARTS}, with the store in the page cache; after kill -9 the
  server had taken ${MESSAGES_SINCE.toLocaleString("en")} messages since its start.
- The generator's ceiling is the same run against a C relay that parses nothing. If it is under ${CEILING_MARGIN} × our figure, the row says so:
  the generator and the kernel then limit the figure as much as the server does.
`;
}

function machine(): string {
  const processors = cpus();
  return `${processors.length} × ${processors[0]?.model ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
}
