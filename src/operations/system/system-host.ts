import type { Account } from "../../accounts/account/account.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { CpuProfiler } from "../monitor/cpu-profile.ts";
import type { MonitoredClient } from "../monitor/monitored-client.ts";
import type { MonitoredServer } from "../monitor/monitored-server.ts";

/** What services and events need from the server. */
export interface SystemHost extends MonitoredServer {
  readonly clock: Clock;
  readonly timers: TimingWheel;
  /** Empty: no cluster. */
  readonly clusterName: string;
  /** The field `server` of one message: numbered, so call this once per message. */
  serverInfo(): object;
  readonly globalAccount: Account;
  readonly cpuProfiler: CpuProfiler;
  /** Texts in memory that no profile may contain. */
  secrets(): Iterable<string>;
  /** @throws Error with the reason; the configuration is unchanged then */
  reload(): void;
  /** Sends lame duck INFO to one client, although the server does not leave. */
  announceLameDuckTo(client: MonitoredClient): void;
}
