/**
 * `bun run test [arguments of bun test]`: runs the tests, then prints in one line which were left out because programs are missing.
 * `bun run record [paths]`: runs nats-server again and writes its answers to the files *.recorded.txt; see test/reference/recording.ts.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { missingPrograms } from "../test/reference/programs.ts";

/** Time limit of one test; long enough for a busy machine. */
const TIMEOUT_MS = "120000";
const root = join(import.meta.dir, "..");

/** Test files whose answers are recorded. */
function recordedTests(): string[] {
  const files = [...new Bun.Glob("{src,test}/**/*.test.ts").scanSync(root)].sort();
  return files.filter(file => readFileSync(join(root, file), "utf8").includes("new Recording("));
}

/** Runs `bun test`. @returns its exit status */
async function runTests(args: readonly string[], environment: Record<string, string> = {}): Promise<number> {
  const child = Bun.spawn([process.execPath, "test", "--timeout", TIMEOUT_MS, ...args], {
    cwd: root,
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, ...environment },
  });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGINT", () => {}); // the terminal sends it to the child, too
  return child.exited;
}

const [command, ...args] = process.argv.slice(2);
if (command === "record") {
  const paths = args.length > 0 ? args : recordedTests();
  process.exitCode = await runTests(paths, { RECORD: "1", REQUIRE_REFERENCE: "1" });
} else {
  process.exitCode = await runTests(process.argv.slice(2));
  const missing = missingPrograms();
  if (missing.length > 0) {
    console.log(
      `Skipped because ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not installed: tests with these programs, and comparisons with a live nats-server beyond its recorded answers. \`make reference\` installs nats-server, nats and nsc; install the others with the system's package manager.`,
    );
  }
}
