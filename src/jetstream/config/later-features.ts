/** Features that streams of this server do not have yet. A configuration that asks for one is refused; it is never accepted and ignored. */
import type { ApiError } from "../error/api-error.ts";
import type { StreamConfig } from "./stream-config.ts";
import { invalidConfig } from "./stream-rules.ts";

/** @param config valid */
export function refuseLaterFeatures(config: StreamConfig): ApiError | null {
  const feature = laterFeature(config);
  return feature === null ? null : invalidConfig(`${feature} are not supported by this server yet`);
}

/** @returns null: the configuration has none of these features */
export function laterFeature(config: StreamConfig): string | null {
  if (config.mirror !== null) return "mirrors";
  if (config.sources.length > 0) return "sources";
  if (config.allowSchedules) return "message schedules";
  if (config.allowCounter) return "message counters";
  if (config.allowAtomic) return "atomic batches";
  return config.allowBatched ? "fast batches" : null;
}
