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
function connectionsThatFit(): number {
  const limit = descriptorLimit();
  if (limit === null) return Number.POSITIVE_INFINITY;
  const reserve = Math.min(RESERVE, Math.ceil(limit * RESERVE_SHARE));
  return Math.max(1, limit - openDescriptors() - reserve);
}

/** Counts connections against the descriptors that the process may open. */
export class DescriptorCount {
  private max = Number.POSITIVE_INFINITY;
  private others = 0;

  /** @param clients returns how many transports of clients are open */
  constructor(private readonly clients: () => number) {}

  /** Reads the limit; called once, when log and other files are open. */
  start(): void {
    this.max = connectionsThatFit() + this.others;
  }

  /** @param clients transports of clients, with the one that is asked for */
  hasRoom(clients: number): boolean {
    return clients + this.others <= this.max;
  }

  /** Counts a connection that is not a client. @returns false if there is no descriptor for it */
  take(): boolean {
    if (!this.hasRoom(this.clients() + 1)) return false;
    this.others++;
    return true;
  }

  give(): void {
    this.others--;
  }
}
