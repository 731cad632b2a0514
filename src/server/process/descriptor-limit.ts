/**
 * How many files and sockets this process may have open. When accepting fails for lack of a descriptor, Bun reports no error and spins.
 * So the limit is read at start, and connections are refused before they reach it.
 */
import { closeSync, openSync, readdirSync } from "node:fs";
import { descriptorLimit } from "../../base/runtime/descriptors.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";

/** Descriptors reserved for log files, the monitoring port, stores and the embedding program. */
const RESERVE = 64;
/** Largest share of a low limit that is reserved. */
const RESERVE_SHARE = 0.25;

/** The number of open descriptors; 0 when it cannot be read. */
function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** Largest share of the connections that are not clients: silent ones must not keep clients out. */
const OTHERS_SHARE = 0.5;

/** Counts connections against the descriptors that the process may open. */
export class DescriptorCount implements Descriptors {
  /** Connections that fit. */
  private max = Number.POSITIVE_INFINITY;
  /** From this descriptor on, the reserve is used. */
  private crowdedFrom = Number.POSITIVE_INFINITY;
  private others = 0;

  /** @param clients returns how many transports of clients are open */
  constructor(private readonly clients: () => number) {}

  /** Reads the limit; called once, when log and other files are open. */
  start(): void {
    const limit = descriptorLimit();
    if (limit === null) return;
    const reserve = Math.min(RESERVE, Math.ceil(limit * RESERVE_SHARE));
    this.max = Math.max(1, limit - openDescriptors() - reserve);
    this.crowdedFrom = limit - Math.ceil(reserve / 2);
  }

  /** @param clients transports of clients, with the one that is asked for */
  hasRoom(clients: number): boolean {
    return clients + this.others <= this.max;
  }

  take(): boolean {
    if (this.others >= this.max * OTHERS_SHARE || !this.hasRoom(this.clients() + 1)) return false;
    this.others++;
    return true;
  }

  give(): void {
    this.others--;
  }

  /** The kernel gives the lowest free descriptor, so all below it are in use. */
  get crowded(): boolean {
    if (this.crowdedFrom === Number.POSITIVE_INFINITY) return false;
    try {
      const lowest = openSync("/dev/null", "r");
      closeSync(lowest);
      return lowest >= this.crowdedFrom;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EMFILE";
    }
  }
}
