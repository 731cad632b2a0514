/**
 * Builds the executable: the server and Bun in one file.
 *
 *   bun run scripts/build.ts [--target linux-x64] [--outfile dist/bunats]
 *
 * Everything that builds one goes through here, so that all of them are the same program: `make build`, `make dist`, the Dockerfile.
 * For another platform Bun downloads its own executable for it, of the same version, from the registry of npm packages.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dir, "..");

/** Platforms there are archives for. Those without `-musl` are for glibc 2.17 or newer, or macOS 13 or newer. */
export const TARGETS = ["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl", "darwin-x64", "darwin-arm64"] as const;
export type Target = (typeof TARGETS)[number];

/**
 * Minified, and compiled to bytecode, so that a start parses nothing: it listens in half the time (bench/start.ts). The source map inside
 * keeps files and lines of the sources in the stack of an error.
 */
const FAST_START = ["--minify", "--sourcemap"];
/** Bytecode is for the very Bun that compiles it: executables for other platforms crashed with it (oven-sh/bun issues 18416, 24144). */
const BYTECODE = "--bytecode";
/** The directory that a user starts the server in must not change what it does: no .env, no bunfig.toml. */
const FLAGS = ["--compile", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", ...FAST_START];

/**
 * Builds for a target, or for this machine.
 * @throws Error with what Bun said; for another platform also when its Bun cannot be downloaded
 */
export function buildExecutable(outfile: string, target: Target | null): void {
  const platform = target === null ? [] : [`--target=bun-${target}`];
  const bytecode = isThisPlatform(target) ? [BYTECODE] : [];
  const command = [process.execPath, "build", ...FLAGS, ...bytecode, ...platform, "--outfile", outfile, join(root, "src/main.ts")];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: root });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: status ${exitCode}\n${stdout}${stderr}`);
  rmSync(`${outfile}.map`, { force: true }); // it is in the executable, too
}

/** False also where that cannot be told: on Linux with the loader of musl. */
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
