/** Resource usage of this process. */
import { availableParallelism } from "node:os";
import type { Clock } from "../../base/clock/clock.ts";

/** Shortest interval for a CPU percentage, so that frequent requests do not return noise. */
const WINDOW_MS = 1_000;

export class ProcessUsage {
  private sampledAt: number;
  /** CPU time at `sampledAt`, µs. */
  private sampledMicros = cpuMicros();
  private percent = 0;

  constructor(private readonly clock: Clock) {
    this.sampledAt = clock.monotonic();
  }

  /** CPU usage since the previous sample, in percent of one core, to one decimal. */
  cpuPercent(): number {
    const now = this.clock.monotonic();
    const elapsedMs = now - this.sampledAt;
    if (elapsedMs < WINDOW_MS) return this.percent;
    const micros = cpuMicros();
    this.percent = Math.round((micros - this.sampledMicros) / elapsedMs) / 10; // µs per ms are tenths of a percent
    this.sampledAt = now;
    this.sampledMicros = micros;
    return this.percent;
  }

  residentBytes(): number {
    return process.memoryUsage.rss();
  }

  cores(): number {
    return availableParallelism();
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
