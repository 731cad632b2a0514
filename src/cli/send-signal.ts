/**
 * `--signal command[=pid|file]`: sends a signal to a running server and ends.
 *
 *   reload             the only running process of this program, under any name (server-processes.ts)
 *   reload=4711        that process
 *   reload=/run/x.pid  the process whose id the file contains
 *   reload=47*         every process of this program whose id begins with 47
 * Other programs, such as a nats-server beside it, get a signal only when their own id is given. Error texts are the reference's: core §6.13.
 */
import { readFileSync } from "node:fs";
import { encode, quote } from "../base/bytes/ascii.ts";
import { parseExact } from "../base/go/strconv.ts";
import { serverProcesses } from "./server-processes.ts";

const PROCESS_NAME = "nats-server";

const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = {
  stop: "SIGKILL",
  quit: "SIGINT",
  term: "SIGTERM",
  reopen: "SIGUSR1",
  reload: "SIGHUP",
  ldm: "SIGUSR2",
};

/** Access to the processes of the system; replaced in tests. */
export interface Processes {
  readonly platform: string;
  readonly ownPid: number;
  /** Ids of all processes of this program; null when they cannot be listed. */
  list(): readonly number[] | null;
  kill(pid: number, signal: NodeJS.Signals): void;
}

/**
 * @param given the value of `--signal`
 * @returns the error; null when the signal was sent
 */
export function sendSignal(given: string, processes: Processes = systemProcesses()): string | null {
  if (processes.platform === "win32") return "signals are not supported on Windows: use the service control manager";
  const [command, target = "", ...rest] = given.split("=");
  if (rest.length > 0) return `invalid signal parameters: [${rest.join(" ")}]`;
  const wanted = pidOf(target);
  const prefix = wanted.endsWith("*") ? wanted.slice(0, -1) : wanted;
  const sendsToAll = wanted.endsWith("*");
  if (prefix !== "" && typeof parseExact(prefix, -(2n ** 63n), 2n ** 63n - 1n) === "string") return `invalid pid: ${prefix}`;
  let pids: readonly number[] = [Number(prefix)];
  if (prefix === "" || sendsToAll) {
    const running = processes.list();
    if (running === null) return "unable to resolve pid, try providing one";
    pids = running.filter(pid => pid !== processes.ownPid);
  }
  if (pids.length > 1 && !sendsToAll) return `multiple ${PROCESS_NAME} processes running:${pids.map(pid => `\n${pid}`).join("")}`;
  if (pids.length === 0) return `no ${PROCESS_NAME} processes running`;
  if (!Object.hasOwn(SIGNALS, command)) return `unknown signal ${quote(encode(command))}`;
  let failed = "";
  for (const pid of pids) {
    if (!String(pid).startsWith(prefix)) continue;
    try {
      processes.kill(pid, SIGNALS[command]);
    } catch (error) {
      failed += `\nsignal ${quote(encode(command))} ${pid}: ${killText(error)}`;
    }
  }
  return failed === "" ? null : failed;
}

/** Reads the pid from a target that is a file; returns any other target unchanged. */
function pidOf(target: string): string {
  if (target === "") return "";
  try {
    return readFileSync(target, "utf8").trim();
  } catch {
    return target;
  }
}

function killText(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return { ESRCH: "no such process", EPERM: "operation not permitted" }[code] ?? message;
}

function systemProcesses(): Processes {
  return {
    platform: process.platform,
    ownPid: process.pid,
    list: serverProcesses,
    kill: (pid, signal) => void process.kill(pid, signal),
  };
}
