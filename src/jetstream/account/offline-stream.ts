/** A stream that is on the disk and cannot be used: its configuration cannot be understood. Its name stays taken, and it can be deleted. */
import type { StreamConfig } from "../config/stream-config.ts";

export interface OfflineStream {
  readonly config: StreamConfig;
  /** In the reference's words. */
  readonly reason: string;
  readonly directory: string;
}
