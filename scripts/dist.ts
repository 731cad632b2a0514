/**
 * Builds the archives of a release into dist/, and dist/SHA256SUMS.
 *
 *   bun run scripts/dist.ts                 for every platform
 *   bun run scripts/dist.ts linux-x64 …     for these platforms
 *
 * An archive `bunats-v0.2.0-linux-x64.tar.gz` contains one directory of the same name:
 *
 *   bunats, nats-server (a link to it)    README.md  CHANGELOG.md  CONTRIBUTING.md    LICENSE  LICENSES.txt    conf/  docs/
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageFile from "../package.json" with { type: "json" };
import { buildExecutable, isTarget, TARGETS, type Target } from "./build.ts";

const root = join(import.meta.dir, "..");
const output = join(root, "dist");

/** Files and folders of the repository in every archive: the README and what it links to. */
const CONTENT = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "LICENSES.txt", "conf"];

function makeArchive(target: Target): void {
  const name = `bunats-v${packageFile.version}-${target}`;
  const staging = join(output, "staging");
  const directory = join(staging, name);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(join(directory, "docs"), { recursive: true });
  for (const path of CONTENT) cpSync(join(root, path), join(directory, path), { recursive: true });
  for (const page of new Bun.Glob("*.md").scanSync(join(root, "docs"))) cpSync(join(root, "docs", page), join(directory, "docs", page));
  buildExecutable(join(directory, "bunats"), target);
  chmodSync(join(directory, "bunats"), 0o755);
  symlinkSync("bunats", join(directory, "nats-server"));
  const archive = join(output, `${name}.tar.gz`);
  const { exitCode, stderr } = Bun.spawnSync(["tar", "-czf", archive, "-C", staging, name], {
    env: { ...process.env, COPYFILE_DISABLE: "1" },
  });
  rmSync(staging, { recursive: true });
  if (exitCode !== 0) throw new Error(`tar: ${stderr}`);
  console.log(`${archive}: ${(Bun.file(archive).size / 1e6).toFixed(1)} MB`);
}

/** Writes checksums of every archive of this version in dist/, in the format of `sha256sum -c`. */
function writeChecksums(): void {
  const archives = readdirSync(output).filter(name => name.startsWith(`bunats-v${packageFile.version}-`) && name.endsWith(".tar.gz"));
  const lines = archives
    .sort()
    .map(name => `${new Bun.CryptoHasher("sha256").update(readFileSync(join(output, name))).digest("hex")}  ${name}\n`);
  writeFileSync(join(output, "SHA256SUMS"), lines.join(""));
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !isTarget(name));
if (unknown.length > 0) {
  console.error(`there is no target ${unknown.join(", ")}, but ${TARGETS.join(", ")}`);
  process.exitCode = 2;
} else {
  for (const target of wanted.length > 0 ? wanted.filter(isTarget) : TARGETS) makeArchive(target);
  writeChecksums();
}
