/**
 * How many files and sockets this process may have open. Bun tells no handler when accepting fails for want of one, and spins;
 * so the limit is read at start, and connections are refused before it is reached.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Kept free for log files, the monitoring port, stores and whatever the embedding program does. */
const RESERVE = 64;
/** A reserve never takes more than this share of a low limit. */
const RESERVE_SHARE = 0.25;

/** The soft limit; null where it cannot be read. */
export function descriptorLimit(): number | null {
  try {
    const line = readFileSync("/proc/self/limits", "utf8").match(/^Max open files\s+(\d+)/m);
    return line === null ? null : Number(line[1]);
  } catch {
    return null;
  }
}

/** Descriptors open now; 0 where it cannot be read. */
export function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** How many connections fit besides what is open at start. Infinite where the limit is unknown. */
export function connectionsThatFit(): number {
  const limit = descriptorLimit();
  if (limit === null) return Number.POSITIVE_INFINITY;
  const reserve = Math.min(RESERVE, Math.ceil(limit * RESERVE_SHARE));
  return Math.max(1, limit - openDescriptors() - reserve);
}
