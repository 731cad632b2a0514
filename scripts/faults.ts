/**
 * Runs everything that shows how the server bears faults and attackers: the tests of test/faults and of stores in full, many sequences of requests
 * to JetStream, every row of the table of loads in full, beside nats-server, then mixed load with an attacker for a long time.
 *
 *   [DURATION=120m] bun run faults [options of test/faults/bystander/main.ts]
 */
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const TEST_TIMEOUT_MS = "1800000";
/** Sequences of requests to JetStream that are compared with nats-server. */
const SEQUENCES = "320";
const SOAK_DURATION = "10m";

const USAGE = `usage: [DURATION=120m] bun run faults [options of the table of loads]
  runs the tests of test/faults and of stores in full, sequences of requests to JetStream, the table of loads beside nats-server, then mixed load for DURATION (${SOAK_DURATION})
  test/faults/bystander/main.ts --help lists the options of the table`;
if (process.argv.slice(2).some(word => word === "--help" || word === "-h")) {
  console.log(USAGE);
  process.exit(0);
}

const steps = [
  ["test", "--timeout", TEST_TIMEOUT_MS, "test/faults"],
  ["test", "--timeout", TEST_TIMEOUT_MS, "src/store", "test/store"],
  ["test", "--timeout", TEST_TIMEOUT_MS, "test/jetstream/sequences"],
  ["run", "test/faults/bystander/main.ts", ...process.argv.slice(2)],
  ["run", "test/faults/soak/main.ts", "--duration", process.env.DURATION ?? SOAK_DURATION],
];

let failed = 0;
for (const words of steps) {
  const { exitCode } = Bun.spawnSync([process.execPath, ...words], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { FAULTS: "all", SEQUENCES, ...process.env },
  });
  if (exitCode !== 0) failed++;
}
console.log(`\n${steps.length - failed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
