/**
 * Builds the executable: the server and Bun in one file.
 *
 *   bun run scripts/build.ts [--target linux-x64] [--outfile dist/bunats]
 *
 * `make build`, `make dist` and the Dockerfile all use this script, so that they build the same program. For another platform Bun
 * downloads its executable for that platform, in the same version, from the npm registry.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dir, "..");

/** Platforms of the archives. Linux without `-musl` means glibc 2.17 or newer; macOS means 13 or newer. */
export const TARGETS = ["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl", "darwin-x64", "darwin-arm64"] as const;
export type Target = (typeof TARGETS)[number];

/**
 * Minifies and compiles to bytecode, so that a start parses nothing and takes half the time (bench/start.ts). The embedded source map
 * keeps source files and lines in error stacks.
 */
const FAST_START = ["--minify", "--sourcemap"];
/** Bytecode works only in the Bun that compiles it: executables for other platforms crashed with it (oven-sh/bun issues 18416, 24144). */
const BYTECODE = "--bytecode";
/** Ignores .env and bunfig.toml, so that the working directory does not change the server's behaviour. */
const FLAGS = ["--compile", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", ...FAST_START];

/**
 * Builds for a target; null: for this machine.
 * @throws Error with Bun's message; for another platform also when its Bun cannot be downloaded
 */
export function buildExecutable(outfile: string, target: Target | null): void {
  const platform = target === null ? [] : [`--target=bun-${target}`];
  const bytecode = isThisPlatform(target) ? [BYTECODE] : [];
  const command = [process.execPath, "build", ...FLAGS, ...bytecode, ...platform, "--outfile", outfile, join(root, "src/main.ts")];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: root });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: status ${exitCode}\n${stdout}${stderr}`);
  rmSync(`${outfile}.map`, { force: true }); // the executable contains it
}

/** Also false when it cannot be determined: on Linux with the musl loader. */
function isThisPlatform(target: Target | null): boolean {
  if (target === null) return true;
  const loaders = process.platform === "linux" ? [...new Bun.Glob("ld-musl-*").scanSync({ cwd: "/lib", onlyFiles: false })] : [];
  return loaders.length === 0 && target === `${process.platform}-${process.arch}`;
}

export function isTarget(text: string): text is Target {
  return (TARGETS as readonly string[]).includes(text);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { target: { type: "string" }, outfile: { type: "string", default: join(root, "dist/bunats") } },
  });
  const { target = null, outfile } = values;
  if (target === null || isTarget(target)) {
    buildExecutable(outfile, target);
    console.log(`${outfile}: ${(Bun.file(outfile).size / 1e6).toFixed(1)} MB`);
  } else {
    console.error(`there is no target ${target}, but ${TARGETS.join(", ")}`);
    process.exitCode = 2;
  }
}
