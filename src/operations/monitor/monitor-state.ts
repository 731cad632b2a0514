/** What monitoring keeps between requests, whether it listens or not. One per server. */
import { ProcessUsage } from "./process-usage.ts";

export class MonitorState {
  readonly usage = new ProcessUsage();
  /** Requests by endpoint. Each endpoint counts its own, when the reference does. */
  readonly requests = new Map<string, number>();
}
