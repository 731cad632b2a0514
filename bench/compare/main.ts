/**
 * Compares this server with nats-server 2.15.3 on this machine.
 *
 *   for every workload, for every round:  start → warm up → measure → stop, for ours, the reference and the relay (the ceiling)
 *
 * The servers alternate, and every second round begins with the reference, so that a slowdown of the machine affects both. Every run
 * starts a fresh server, so that no run is affected by the memory of the one before. Workloads that are compared with each other run
 * directly one after the other, in the same round.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileLoad, type Failure, measure, OUT_DIRECTORY, relayCommand, type Sample } from "./load.ts";
import { markdownReport, plainTable, type Rounds, reportRows, type Side } from "./report.ts";
import { WORKLOADS } from "./rows.ts";
import { findReference, startServer } from "./servers.ts";
import { measureStarts } from "./start-up.ts";
import type { Workload } from "./workload.ts";

const QUICK_SCALE = 0.3;
const USAGE = `usage: bun bench/compare/main.ts [options]
  --rows a,b*       only these, with those they are compared with; * stands for any end: ${WORKLOADS.map(({ id }) => id).join(" ")}
  --rounds N        rounds per row (5)
  --quick           short runs and 1 round, for tuning
  --ours COMMAND    our server; {port} is replaced (bun run src/main.ts -p {port})
  --only SIDES      of ours,reference,synced,ceiling
  --write           write bench/compare/RESULTS.md, or RESULTS-JETSTREAM.md when all rows are about JetStream
  --gate            exit 1 when a floor is not reached`;

const { values } = parseArgs({
  options: {
    rows: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    ours: { type: "string", default: "bun run src/main.ts -p {port}" },
    only: { type: "string", default: "ours,reference,synced,ceiling" },
    write: { type: "boolean", default: false },
    gate: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function stop(text: string, status: number): never {
  console.error(text);
  process.exit(status);
}

function chosenWorkloads(): Workload[] {
  if (values.rows === undefined) return WORKLOADS;
  const chosen = new Set<Workload>();
  for (const id of values.rows.split(",")) {
    const named = WORKLOADS.filter(one => (id.endsWith("*") ? one.id.startsWith(id.slice(0, -1)) : one.id === id));
    if (named.length === 0) stop(`no row ${id}\n${USAGE}`, 2);
    for (const workload of named) for (const one of [...comparedWith(workload), workload]) chosen.add(one);
  }
  return [...chosen];
}

/** Workloads by whose figures this one's are divided. */
function comparedWith({ figures }: Workload): Workload[] {
  return WORKLOADS.filter(({ id }) => figures.some(({ against }) => against === id));
}

function resultsFile(workloads: readonly Workload[]): string {
  const asked = workloads.filter(({ id }) => !id.startsWith("js-"));
  const isOfJetStream = asked.every(one => workloads.some(other => other.id.startsWith("js-") && comparedWith(other).includes(one)));
  return isOfJetStream ? "RESULTS-JETSTREAM.md" : "RESULTS.md";
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

interface Run {
  workload: Workload;
  commands: Record<Side, string>;
  samples: Rounds;
}

function newRun(workload: Workload, reference: string): Run {
  const flags = workload.configuration ? ` ${workload.configuration.prepare()}` : "";
  const synced = hasSide(workload, "synced") ? `${reference} ${workload.configuration?.prepare(true)}` : "";
  return {
    workload,
    commands: { ours: values.ours + flags, reference: reference + flags, synced, ceiling: relayCommand(workload) },
    samples: { ours: [], reference: [], synced: [], ceiling: [] },
  };
}

/** Groups of workloads that share rounds: one, and those compared with it. */
function inGroups(runs: Run[]): Run[][] {
  const groups = Map.groupBy(runs, ({ workload }) => comparedWith(workload)[0] ?? workload);
  return [...groups.values()];
}

function hasSide({ figures }: Workload, side: Side): boolean {
  if (side === "ceiling") return figures.some(({ ceiling }) => ceiling);
  return side !== "synced" || figures.some(({ divisor }) => divisor === side);
}

async function runOnce(side: Side, command: string, workload: Workload, scale: number): Promise<Sample | Failure> {
  try {
    if (workload.role === "start") return await measureStarts(side, command, workload, scale);
    const server = await startServer(side, command);
    try {
      return await measure(workload, server, side === "synced" ? scale * (workload.syncedShare ?? 1) : scale);
    } finally {
      await server.stop();
    }
  } catch (error) {
    return { error: (error as Error).message.replaceAll(/\s+/g, " ") };
  }
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const startedAt = new Date();
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) stop(USAGE, 2);
  const scale = values.quick ? QUICK_SCALE : 1;
  const workloads = chosenWorkloads();
  const sides = new Set(values.only.split(","));
  compileLoad();
  const reference = sides.has("reference") || sides.has("synced") ? `${findReference()} -p {port}` : "";

  const runs = workloads.map(workload => newRun(workload, reference));
  for (const group of inGroups(runs)) {
    for (let round = 0; round < rounds; round++) {
      const isEven = round % 2 === 0;
      const order: Side[] = isEven ? ["ours", "reference", "synced", "ceiling"] : ["synced", "reference", "ours", "ceiling"];
      for (const side of order.filter(one => sides.has(one))) {
        for (const { workload, commands, samples } of isEven ? group : group.toReversed()) {
          if (!hasSide(workload, side) || round >= (workload.roundsMax ?? rounds)) continue;
          showProgress(`${workload.id} ${round + 1}/${rounds} ${side}`);
          samples[side].push(await runOnce(side, commands[side], workload, scale));
        }
      }
    }
  }
  showProgress("");

  const results = new Map(runs.map(({ workload, samples }) => [workload, samples]));
  const { lines, reached, failed } = reportRows(results);
  console.log(plainTable(lines));
  const facts = { rounds, scale, oursCommand: values.ours.replace(" -p {port}", ""), startedAt };
  mkdirSync(OUT_DIRECTORY, { recursive: true });
  const rows = Object.fromEntries([...results].map(([{ id }, samples]) => [id, samples]));
  writeFileSync(join(OUT_DIRECTORY, "compare.json"), JSON.stringify({ ...facts, rows }, null, 2));
  if (values.write) writeFileSync(join(import.meta.dir, resultsFile(workloads)), markdownReport(lines, facts));
  process.exit(failed || (values.gate && !reached) ? 1 : 0);
}

await main().catch((error: Error) => stop(error.message, 1));
