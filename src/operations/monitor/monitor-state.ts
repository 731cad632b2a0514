/** State of monitoring between requests, also while it does not listen. One per server. */
import type { Clock } from "../../base/clock/clock.ts";
import { ProcessUsage } from "./process-usage.ts";

export class MonitorState {
  readonly usage: ProcessUsage;
  /** Requests per endpoint, counted for the endpoints that the reference counts. */
  readonly requests = new Map<string, number>();

  constructor(clock: Clock) {
    this.usage = new ProcessUsage(clock);
  }
}
