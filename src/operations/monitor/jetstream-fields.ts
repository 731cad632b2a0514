/**
 * Configuration and totals of JetStream in the shape that /varz, /jsz and statistics share; and its streams in order.
 * Source: reference, core §7.5, §7.7.
 */
import { exactInteger } from "../../base/go/json-writer.ts";
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { TopList } from "../../base/scheduling/top-list.ts";
import { shownSyncInterval } from "../../jetstream/config/jetstream-settings.ts";
import { API_LEVEL } from "../../jetstream/config/metadata.ts";
import { type Fields, unlessEmpty } from "./endpoint.ts";
import type { JetStreamReport, ReportedAccount, ReportedStream } from "./jetstream-report.ts";

const NS_PER_MS = 1e6;

/** @param directory whether the store directory is shown */
export function configFields({ settings }: JetStreamReport, directory: boolean): Fields {
  const { options, memoryBytesMax, fileBytesMax, storeDirectory } = settings;
  return {
    max_memory: memoryBytesMax,
    max_storage: fileBytesMax,
    ...(directory ? { store_dir: storeDirectory } : {}),
    sync_interval: shownSyncInterval(options) * NS_PER_MS,
    ...unlessEmpty("sync_always", options.syncAlways),
    ...unlessEmpty("domain", options.domain),
    compress_ok: true,
    ...unlessEmpty("unique_tag", options.uniqueTag),
    ...unlessEmpty("strict", options.strict),
  };
}

export function statsFields({ accounts, api, usage }: JetStreamReport): Fields {
  return {
    memory: Math.max(0, usage.memoryBytes),
    storage: Math.max(0, usage.storageBytes),
    reserved_memory: exactInteger(usage.memoryReserved),
    reserved_storage: exactInteger(usage.storageReserved),
    accounts: accounts.size,
    ha_assets: 0,
    api: { level: API_LEVEL, total: api.requests, errors: api.errors, ...unlessEmpty("inflight", api.inFlight) },
  };
}

/** Limits of the server for streams and consumers. */
export function limitFields({ settings }: JetStreamReport): Fields {
  const { limits } = settings.options;
  return {
    ...unlessEmpty("max_request_batch", limits.requestBatchMax),
    ...unlessEmpty("max_ack_pending", limits.ackPendingMax),
    ...unlessEmpty("max_ha_assets", limits.haAssetsMax),
    ...unlessEmpty("max_duplicate_window", Math.round(limits.duplicateWindowMs * NS_PER_MS)),
    ...unlessEmpty("max_batch_inflight_per_stream", limits.batchesPerStreamMax),
    ...unlessEmpty("max_batch_inflight_total", limits.batchesMax),
    ...unlessEmpty("max_batch_size", limits.batchMessagesMax),
    ...unlessEmpty("max_batch_timeout", Math.round(limits.batchTimeoutMs * NS_PER_MS)),
    ...unlessEmpty("default_max_consumers", limits.defaultConsumersMax),
  };
}

/** The field `jetstream` of /varz and of statistics. null: JetStream is off. */
export function jetStreamFields(report: JetStreamReport, directory: boolean): Fields {
  return { config: configFields(report, directory), stats: statsFields(report), limits: limitFields(report) };
}

/** The streams of an account, sorted by name. */
export function* streamsInOrder({ streams }: ReportedAccount): Sliced<ReportedStream[]> {
  const sorted = new TopList<ReportedStream>(Number.POSITIVE_INFINITY, (a, b) => (a.name < b.name ? -1 : 1));
  const pace = new Pace();
  for (const stream of [...streams.values()]) {
    sorted.add(stream);
    if (pace.due(2)) yield PAUSE;
  }
  return yield* sorted.sorted();
}
