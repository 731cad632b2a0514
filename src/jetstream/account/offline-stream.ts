/** A stream that is on the disk and cannot be used: its configuration cannot be understood. Its name stays taken, and it can be deleted. */
import type { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { StreamConfig } from "../config/stream-config.ts";

export interface OfflineStream {
  readonly config: StreamConfig;
  readonly created: Nanoseconds;
  /** The configuration was read, and asks for what this version does not have. Otherwise `config` may be made up, apart from its name. */
  readonly isUnsupported: boolean;
  /** In the reference's words. */
  readonly reason: string;
  readonly directory: string;
}
