/**
 * A workload is one run of the load generator; a figure is one number read from it, and one line of the report, with the floor that ours
 * must reach against the reference.
 */
import type { Configuration } from "./configurations.ts";
import type { LoadOptions, Sample } from "./load.ts";

/** `within` is a figure of ours that reaches the floor whatever the reference has; beyond it the ratio counts. */
export type Floor = { atLeast: number } | { atMost: number; within?: number };

export interface Figure {
  title: string;
  unit: "msg/s" | "logins/s" | "requests/s" | "µs" | "ms" | "s" | "MB";
  read: (sample: Sample) => number;
  /** Least (or greatest) ratio: ours ÷ reference, or ours ÷ ours in `against`. Without a floor the ratio is only stated. */
  floor?: Floor;
  /** Divides by the reference that syncs before each acknowledgement, instead of the reference with default settings. */
  divisor?: "synced";
  /** Id of a workload: this figure is divided by ours there instead of by the reference. Both run in the same rounds. */
  against?: string;
  /** Whether the relay is run too, to measure what the generator can reach. */
  ceiling: boolean;
}

export interface Workload {
  id: string;
  /** The generator's role, see load.c; `start` is that of start-up.ts. */
  role: "run" | "request" | "idle" | "login" | "poll" | "stream" | "get" | "start";
  options: LoadOptions;
  /** Default settings when not set. */
  configuration?: Configuration;
  figures: Figure[];
  /** At most so many rounds, however many are asked for. */
  roundsMax?: number;
  /** Part of the messages that the reference gets when it syncs each: it takes as long as the others with all of them. */
  syncedShare?: number;
}

/** Messages received per second, by all subscribers together; without subscribers, messages published. */
export const rate = (title: string, atLeast: number): Figure => ({
  title,
  unit: "msg/s",
  read: sample => sample.rate,
  floor: { atLeast },
  ceiling: true,
});

/** For workloads without a ceiling: the relay has no TLS, or another row has the same ceiling. */
export const rateWithoutCeiling = (title: string, atLeast: number): Figure => ({ ...rate(title, atLeast), ceiling: false });
