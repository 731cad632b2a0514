/**
 * Programs that some tests run. Where one is missing, one skipped test with the reason in its title replaces the tests that need it;
 * with CI=true or REQUIRE_REFERENCE=1 those tests run, and fail.
 */
import { test } from "bun:test";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { EARLIER_VERSION, findReference, pinnedVersion, referenceIsRequired } from "./reference-server.ts";

export interface FoundProgram {
  /** null: it is missing. */
  readonly path: string | null;
  /** Why it is missing; empty when it was found. */
  readonly missing: string;
}

/** Programs of the system, and the names that each may have. */
const SYSTEM_PROGRAMS = {
  node: ["node"],
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  prometheus: ["prometheus"],
  promtool: ["promtool"],
  cc: ["cc"],
  go: ["go"],
} as const;

export type ProgramName = "nats-server" | "nats-server-2.15.2" | "nats" | "nsc" | keyof typeof SYSTEM_PROGRAMS;

/** `nats` and `nsc` are looked for in $NATS_CLI or $NSC, on the PATH and in ~/go/bin. */
export function findProgram(name: ProgramName): FoundProgram {
  if (name === "nats-server") return findReference();
  if (name === "nats-server-2.15.2") return findReference(EARLIER_VERSION);
  if (name === "nats") return findCli();
  const names = name === "nsc" ? ["nsc"] : SYSTEM_PROGRAMS[name];
  const candidates = [...names.map(one => Bun.which(one)), ...(name === "nsc" ? [process.env.NSC, join(homedir(), "go/bin/nsc")] : [])];
  const path = candidates.find(one => one && existsSync(one));
  return path ? { path, missing: "" } : { path: null, missing: `${name} was not found` };
}

function findCli(): FoundProgram {
  const version = pinnedVersion("nats");
  const refused: string[] = [];
  for (const path of [process.env.NATS_CLI, Bun.which("nats"), join(homedir(), "go/bin/nats")]) {
    if (!path || !existsSync(path)) continue;
    const text = Bun.spawnSync([path, "--version"]).stdout.toString().trim();
    if (text === version) return { path, missing: "" };
    refused.push(`${path} says "${text}"`);
  }
  return { path: null, missing: refused.length === 0 ? `nats ${version} was not found` : `not nats ${version}: ${refused.join(", ")}` };
}

/** Names of the missing programs. */
export function missingPrograms(): ProgramName[] {
  const names: ProgramName[] = [
    "nats-server",
    "nats-server-2.15.2",
    "nats",
    "nsc",
    ...(Object.keys(SYSTEM_PROGRAMS) as (keyof typeof SYSTEM_PROGRAMS)[]),
  ];
  return names.filter(name => findProgram(name).path === null);
}

/** Registers tests that run these programs; one skipped test in their place where a program is missing. */
export function needs(names: readonly ProgramName[], register: () => void): void {
  const missing = names.map(name => findProgram(name).missing).filter(reason => reason !== "");
  if (missing.length === 0 || referenceIsRequired()) register();
  else test.skip(`tests with ${names.join(" and ")} (${missing.join(", ")})`, () => {});
}
