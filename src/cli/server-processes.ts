/**
 * Finds the running processes of this program, however they were started. Other programs are not found, whatever their names are:
 *
 *   started as                       /proc/<pid>/exe           recognized by
 *   the executable, under any name   bunats, nats-server, …    MARK, which is part of every executable built from these sources
 *   bun src/main.ts, `bunats` of     bun                       the first argument after Bun's own: a link to src/main.ts of a
 *   node_modules/.bin, `make run`                              package named bunats
 * Without /proc (macOS) the command lines come from `ps`, where arguments with blanks cannot be told apart.
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { OWN_PACKAGE } from "../wire/protocol/version.ts";

/** Names of executables that are searched for the mark, in addition to the name of this process's own. */
const EXECUTABLE_NAMES: readonly string[] = ["bunats", "nats-server"];
/** Contained in this file, and therefore in the executable that includes it. */
const MARK = Buffer.from("bunats executable c7e1c8a4-5d0f-4f43-9a53-0d1f8f4f9b52");
/** The executable is searched from its end, where the program follows Bun. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A process as the system describes it. */
interface ListedProcess {
  readonly pid: number;
  /** Path of the executable; null when it cannot be determined. */
  readonly executable: string | null;
  readonly words: readonly string[];
  /** Relative arguments refer to it; null when it cannot be determined. */
  readonly directory: string | null;
}

/**
 * @param procDirectory replaced in tests
 * @returns the ids of all processes of this program, with the caller's, in ascending order; null when the system does not list processes
 */
export function serverProcesses(procDirectory = "/proc"): number[] | null {
  const listed = listFromProc(procDirectory) ?? listFromPs();
  if (listed === null) return null;
  const marks = new Map<string, boolean>();
  return listed
    .filter(process => isServer(process, marks))
    .map(({ pid }) => pid)
    .sort((left, right) => left - right);
}

/** @param marks remembers which executables have the mark */
function isServer({ executable, words, directory }: ListedProcess, marks: Map<string, boolean>): boolean {
  if (executable === null) return false;
  if (/^bunx?(-|\.|$)/.test(basename(executable))) return runsOurScript(words.slice(1), directory);
  if (![...EXECUTABLE_NAMES, basename(process.execPath)].includes(basename(executable))) return false;
  const known = marks.get(executable);
  if (known !== undefined) return known;
  const found = hasMark(executable);
  marks.set(executable, found);
  return found;
}

/** @param words arguments of Bun: its own options, perhaps `run`, then the script */
function runsOurScript(words: readonly string[], directory: string | null): boolean {
  const script = words.find(word => !word.startsWith("-") && word !== "run");
  if (script === undefined || (directory === null && !isAbsolute(script))) return false;
  try {
    const target = realpathSync(resolve(directory ?? "/", script));
    if (basename(target) !== "main.ts") return false;
    const packageFile = JSON.parse(readFileSync(join(dirname(target), "../package.json"), "utf8")) as { name?: unknown };
    return packageFile.name === OWN_PACKAGE;
  } catch {
    return false;
  }
}

function hasMark(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return false;
  }
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES + MARK.length);
    for (let end = fstatSync(descriptor).size; end > 0; end -= CHUNK_BYTES) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const size = readSync(descriptor, chunk, 0, end - start + MARK.length, start); // the overlap finds a mark at the border
      if (chunk.subarray(0, size).includes(MARK)) return true;
    }
    return false;
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}

function listFromProc(procDirectory: string): ListedProcess[] | null {
  let names: string[];
  try {
    names = readdirSync(procDirectory);
  } catch {
    return null;
  }
  return names.filter(name => /^\d+$/.test(name)).map(name => describe(procDirectory, name));
}

function describe(procDirectory: string, name: string): ListedProcess {
  const file = (entry: string) => join(procDirectory, name, entry);
  const words = read(() => readFileSync(file("cmdline"), "utf8").split("\0").slice(0, -1)) ?? [];
  const typed = words.length > 0 && isAbsolute(words[0]) ? words[0] : null; // of a process that hides its executable
  const link = read(() => readlinkSync(file("exe")));
  // A replaced executable is read at its old place: there stands the next version of the same program.
  const executable = link === null ? typed : link.replace(/ \(deleted\)$/, "");
  return { pid: Number(name), executable, words, directory: read(() => readlinkSync(file("cwd"))) };
}

function listFromPs(): ListedProcess[] | null {
  const text = read(() => Bun.spawnSync(["ps", "-axww", "-o", "pid=,command="]).stdout.toString());
  if (text === null) return null;
  return text
    .split("\n")
    .map(line => /^\s*(\d+)\s+(.+)$/.exec(line))
    .filter(match => match !== null)
    .map(([, pid, command]) => {
      const words = command.split(" ");
      const executable = isAbsolute(words[0]) ? words[0] : Bun.which(words[0]);
      return { pid: Number(pid), executable, words, directory: null };
    });
}

function read<T>(attempt: () => T): T | null {
  try {
    return attempt();
  } catch {
    return null;
  }
}
