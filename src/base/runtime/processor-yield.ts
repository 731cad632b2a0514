import { openLibc } from "./libc.ts";

/** @returns a function that lets other threads that wait for this processor run first; it does nothing where libc cannot be loaded */
export function processorYield(): () => void {
  const libc = openLibc({ sched_yield: { args: [], returns: "i32" } });
  if (libc === null) return () => {};
  const { sched_yield } = libc;
  return () => void sched_yield();
}
