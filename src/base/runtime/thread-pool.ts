/**
 * The runtime's thread pool, which runs syncs and reads of files. Bun 1.4.5 makes as many threads as there are processors (at least 2), or as the
 * environment variables UV_THREADPOOL_SIZE or GOMAXPROCS say, in this order. It reads them from the C library when the pool gets its first work, not
 * from `process.env`. A thread that syncs waits for the medium and uses no processor, so a server needs more of them than it has processors.
 */
import { readdirSync, readFileSync } from "node:fs";
import { openLibc } from "./libc.ts";

/** The first that is set counts. */
const VARIABLES = ["UV_THREADPOOL_SIZE", "GOMAXPROCS"] as const;
/** Threads of a server with JetStream. */
export const STORE_THREADS = 16;
/** Bun makes at least 2 threads and at most 1,024. */
const [THREADS_MIN, THREADS_MAX] = [2, 1024];

const THREADS = "/proc/self/task";
/** What the runtime calls the threads of the pool. */
const THREAD_NAME = "Bun Pool ";

/** The process's environment as it was at the start. */
export type PoolEnvironment = Readonly<Record<string, string | undefined>>;

/** Number of threads that the pool has or will have, without `growThreadPool`. */
export function threadPoolSize(environment: PoolEnvironment, processors: number): number {
  const configured = VARIABLES.map(name => environment[name]).find(value => value !== undefined && /^[0-9]+$/.test(value));
  return Math.min(THREADS_MAX, Math.max(THREADS_MIN, configured === undefined ? processors : Number(configured)));
}

/**
 * Lets the pool have this many threads, unless the operator has set their number or the pool has had work. Call it first thing in the program: that
 * is early enough in an executable or a bundle. A program that is run from its sources has used the pool by then to load them, so there the number
 * must be set in the environment. Where the C library cannot be called, it has no effect either.
 * @returns the number of threads that the pool has or will have
 */
export function growThreadPool(threads: number, environment: PoolEnvironment, processors: number): number {
  const before = threadPoolSize(environment, processors);
  if (threads <= before || VARIABLES.some(name => environment[name] !== undefined) || hasStarted()) return before;
  const libc = openLibc({ setenv: { args: ["buffer", "buffer", "i32"], returns: "i32" } });
  if (libc === null) return before;
  const [name, value] = [VARIABLES[0], String(threads)];
  const set = libc.setenv(Buffer.from(`${name}\0`), Buffer.from(`${value}\0`), 1) === 0;
  return set ? threadPoolSize({ [name]: value }, processors) : before;
}

/** Whether one of the process's threads belongs to the pool. True where the system does not say. */
function hasStarted(): boolean {
  try {
    return readdirSync(THREADS).some(thread => readFileSync(`${THREADS}/${thread}/comm`, "latin1").startsWith(THREAD_NAME));
  } catch {
    return true;
  }
}
