/**
 * Builds the executable: the server and Bun in one file.
 *
 *   bun run scripts/build.ts [--target linux-x64] [--outfile dist/bunats]
 *
 * Everything that builds one goes through here, so that all of them are the same program: `make build`, `make dist`, the Dockerfile.
 * For another platform Bun downloads its own executable for it, of the same version, from the registry of npm packages.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dir, "..");

/** Platforms there are archives for. Those without `-musl` are for glibc 2.17 or newer, or macOS 13 or newer. */
export const TARGETS = ["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl", "darwin-x64", "darwin-arm64"] as const;
export type Target = (typeof TARGETS)[number];

/** The directory that a user starts the server in must not change what it does: no .env, no bunfig.toml. */
const FLAGS = ["--compile", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];

/**
 * Builds for a target, or for this machine.
 * @throws Error with what Bun said; for another platform also when its Bun cannot be downloaded
 */
export function buildExecutable(outfile: string, target: Target | null): void {
  const platform = target === null ? [] : [`--target=bun-${target}`];
  const command = [process.execPath, "build", ...FLAGS, ...platform, "--outfile", outfile, join(root, "src/main.ts")];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: root });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: status ${exitCode}\n${stdout}${stderr}`);
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
