/**
 * How many files and sockets this process may have open. When accepting fails for lack of a descriptor, Bun reports no error and spins.
 * So the limit is read at start, and connections are refused before they reach it.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Descriptors reserved for log files, the monitoring port, stores and the embedding program. */
const RESERVE = 64;
/** Largest share of a low limit that is reserved. */
const RESERVE_SHARE = 0.25;

/** The soft limit; null when it cannot be read. */
export function descriptorLimit(): number | null {
  try {
    const line = readFileSync("/proc/self/limits", "utf8").match(/^Max open files\s+(\d+)/m);
    return line === null ? null : Number(line[1]);
  } catch {
    return null;
  }
}

/** The number of open descriptors; 0 when it cannot be read. */
export function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** The number of connections for which descriptors are left at start. Infinite when the limit is unknown. */
export function connectionsThatFit(): number {
  const limit = descriptorLimit();
  if (limit === null) return Number.POSITIVE_INFINITY;
  const reserve = Math.min(RESERVE, Math.ceil(limit * RESERVE_SHARE));
  return Math.max(1, limit - openDescriptors() - reserve);
}
