/** The name by which this program was started; it is part of the ports file's name. */
import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

const DEFAULT_NAME = "nats-server";

/**
 *   compiled binary     the name of the binary, or of the link to it, as typed            process.argv0
 *   installed script    the name of the link in `bin`; Bun shows only its target          the argument in /proc that resolves to it
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

/** The command line without the interpreter, where the system provides it. */
function typedArguments(): string[] {
  try {
    return readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1, -1);
  } catch {
    return process.env._ === undefined ? [] : [process.env._]; // set by most shells
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
