/**
 * Runs every microbenchmark of bench/micro, each in its own process, so that none is affected by the memory of another.
 *
 *   bun run bench [name …]         BENCH_SHORT=1: some seconds each, only to check that they work
 */
import { basename, join } from "node:path";

const directory = join(import.meta.dir, "../bench/micro");
const wanted = process.argv.slice(2);
const files = [...new Bun.Glob("*.ts").scanSync(directory)].filter(file => !file.endsWith(".test.ts")).sort();
const unknown = wanted.filter(name => !files.includes(`${name}.ts`));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(", ")}; there are ${files.map(file => basename(file, ".ts")).join(", ")}`);
  process.exit(2);
}

let failed = 0;
const chosen = files.filter(file => wanted.length === 0 || wanted.includes(basename(file, ".ts")));
for (const file of chosen) {
  console.log(`\n== ${file}`);
  const { exitCode } = Bun.spawnSync([process.execPath, "run", join(directory, file)], { stdio: ["ignore", "inherit", "inherit"] });
  if (exitCode !== 0) failed++;
}
console.log(`\n${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
