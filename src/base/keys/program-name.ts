/** The name that this program was started by, which the ports file is called after. */
import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

const DEFAULT_NAME = "nats-server";

/**
 *   compiled binary     the name of the binary, or of the link to it, that was typed      process.argv0
 *   installed script    the name of the link in `bin`; Bun shows only what it leads to    the argument in /proc that leads there
 *   bun src/main.ts     nats-server
 * As a library: the name of the embedding script.
 */
export function programName(): string {
  const script = process.argv[1];
  if (script === undefined || script.startsWith("/$bunfs/") || script.startsWith("B:\\~BUN\\")) return basename(process.argv0);
  const typed = typedArguments().find(argument => leadsTo(argument, script)) ?? script;
  const name = basename(typed);
  return name === "main.ts" ? DEFAULT_NAME : name;
}

/** What was typed, the interpreter aside, where the system tells. */
function typedArguments(): string[] {
  try {
    return readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1, -1);
  } catch {
    return process.env._ === undefined ? [] : [process.env._]; // what most shells set
  }
}

function leadsTo(path: string, target: string): boolean {
  if (path.startsWith("-")) return false;
  try {
    return realpathSync(path) === target;
  } catch {
    return false;
  }
}
