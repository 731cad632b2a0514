import type { Account } from "../../accounts/account/account.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Client } from "../../connections/client/client.ts";
import type { CpuProfiler } from "../monitor/cpu-profile.ts";
import type { MonitoredServer } from "../monitor/monitored-server.ts";

/** What the system account's services and events need of the server above them. */
export interface SystemHost extends MonitoredServer {
  readonly clock: Clock;
  readonly timers: TimingWheel;
  /** Empty: none. */
  readonly clusterName: string;
  /** How this server calls itself in a message: numbered, so a new one for each. */
  serverInfo(): object;
  readonly globalAccount: Account;
  readonly cpuProfiler: CpuProfiler;
  /** @throws Error with the reason; the server goes on as it was then */
  reload(): void;
  /** Tells one client that this server leaves, which it does not. */
  announceLameDuckTo(client: Client): void;
}
