/**
 * Measures how long a bystander waits while one client, or requests to the monitoring port, load the server: every row of the table, ours
 * beside the reference.
 *
 *   main.ts ──► server       ours or nats-server, on the row's configuration
 *           ──► attacker.ts  prepares, attacks
 *           ──► bystander    bench/compare/bystander.c: PINGs, connections, /healthz, timers
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileLoad, OUT_DIRECTORY } from "../../../bench/compare/load.ts";
import { findReference } from "../../../bench/compare/servers.ts";
import { measureRow } from "./measurement.ts";
import { type Measured, missed, table } from "./report.ts";
import { ROWS } from "./rows.ts";

const USAGE = `usage: bun test/faults/bystander/main.ts [options]
  --rows a,b        only these: ${ROWS.map(({ id }) => id).join(" ")}
  --only SIDE       ours or reference
  --ours COMMAND    our server; {port} is replaced (bun run src/main.ts -p {port})
  --rounds N        rounds per row (1): the median p99, the highest maximum
  --seconds N       length of a load without an end of its own (8)
  --list            print the rows and what they do
Exits with status 1 when a row does not meet its goal.`;

const { values } = parseArgs({
  options: {
    rows: { type: "string" },
    only: { type: "string" },
    ours: { type: "string", default: `${process.execPath} run src/main.ts -p {port}` },
    rounds: { type: "string", default: "1" },
    seconds: { type: "string", default: "8" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function stop(text: string): never {
  console.error(text);
  process.exit(2);
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  if (values.list) return console.log(ROWS.map(row => `${row.id}: ${[row.before, row.load].filter(Boolean).join("; then ")}`).join("\n"));
  const rows = values.rows?.split(",").map(id => ROWS.find(row => row.id === id) ?? stop(`no row ${id}\n${USAGE}`)) ?? ROWS;
  const sides = (["ours", "reference"] as const).filter(side => values.only === undefined || values.only === side);
  if (sides.length === 0) stop(USAGE);
  mkdirSync(OUT_DIRECTORY, { recursive: true });
  compileLoad();
  const commands = { ours: values.ours, reference: sides.includes("reference") ? `${findReference()} -p {port}` : "" };
  const results: Measured[] = [];
  for (const row of rows) {
    const measured: Measured = { row, ours: [], reference: [] };
    results.push(measured);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const side of sides) {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${row.id} ${round + 1}/${values.rounds} ${side}`);
        measured[side].push(await measureRow(row, side, commands[side], Number(values.seconds)).catch((error: Error) => error.message));
      }
    }
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
  console.log(table(results));
  writeFileSync(join(OUT_DIRECTORY, "bystander.json"), JSON.stringify(results, null, 2));
  process.exit(results.some(one => missed(one) !== null) ? 1 : 0);
}

await main();
