import type { Clock } from "../../base/clock/clock.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Random } from "../../base/random/random.ts";
import type { Scheduler } from "../../base/scheduling/scheduler.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { PublishHost } from "../../messaging/fanout/local-publisher.ts";

/** What accounts need from the server above them. */
export interface AccountHost extends PublishHost {
  readonly turn: PublishHost["turn"] & { readonly random: Random; readonly meter: WorkMeter; readonly scheduler: Scheduler };
  readonly log: Logger;
  readonly clock: Clock;
  readonly timers: TimingWheel;
  readonly serverName: string;
  /** Empty: none. */
  readonly clusterName: string;
  /** null: no system account. */
  readonly systemAccount: { readonly name: string } | null;
  /** Creates an id that no connection uses. */
  nextConnectionId(): number;
  /** Whether tries cache match results by subject. */
  readonly cachesInterest: boolean;
}
