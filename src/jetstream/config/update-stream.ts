/**
 * Decides whether a stream can get a new configuration. All checks of STREAM.UPDATE, in the reference's order.
 *
 *   request ─ normalise ▶ name ▶ found? ▶ normalise again, with the required level ▶ what must not change ▶ sealing ▶ limits ▶ consumers ▶ overlap
 * A pure function, like `decideCreate`.
 * Source: jetstream §2.2.
 */
import { type ApiError, apiError, wrapped } from "../error/api-error.ts";
import { accountBytes, bytesReserved, checkReservation, saturated, selectLimits } from "./account-limits.ts";
import { isSameSource } from "./config-equality.ts";
import { checkOverlap, type StreamContext } from "./create-stream.ts";
import { refuseLaterFeatures } from "./later-features.ts";
import { storedMetadata } from "./metadata.ts";
import { checkDiscardNewPerSubject, normaliseStream } from "./normalise-stream.ts";
import type { Integer, StreamConfig, StreamConfigRequest } from "./stream-config.ts";
import { checkFirstSequence, type Draft, invalidConfig } from "./stream-rules.ts";
import { checkUpdatedRepublish } from "./stream-subjects.ts";

/** The part of a consumer's configuration that limits of its stream are about. */
export interface LimitedConsumer {
  readonly name: string;
  readonly inactiveThresholdNs: Integer;
  readonly ackPendingMax: Integer;
}

/** An existing stream. */
export interface ExistingStream {
  readonly config: StreamConfig;
  /** Why it cannot be used; null: it can. */
  readonly offlineReason: string | null;
  consumers(): Iterable<LimitedConsumer>;
}

/**
 * @param name the stream's name in the subject of the request
 * @param existing null: there is no stream of that name
 * @returns the configuration to store. An offline stream answers `StreamOfflineReason`, which is sent delayed.
 */
export function decideUpdate(
  request: StreamConfigRequest,
  name: string,
  existing: ExistingStream | null,
  context: StreamContext,
): StreamConfig | ApiError {
  const { pedantic, ...given } = request;
  const first = normaliseStream(given, pedantic, context);
  if (!isConfig(first)) return first;
  if (name !== first.name) return apiError("StreamMismatch");
  if (existing === null) return apiError("StreamNotFound");
  if (existing.offlineReason !== null) return apiError("StreamOfflineReason", { err: existing.offlineReason });
  const second = normaliseStream({ ...first, metadata: storedMetadata(first) }, pedantic, context);
  if (!isConfig(second)) return second;
  const draft: Draft = second;
  const old = existing.config;
  const refused = checkUnchangeable(draft, old);
  if (refused !== null) return refused;
  if (draft.sealed) seal(draft);
  return (
    checkAddedBytes(draft, old, context) ??
    checkConsumers(draft, old, existing) ??
    checkOverlap(draft, context) ??
    checkUpdatedRepublish(draft) ??
    checkFirstSequence(draft) ??
    refuseLaterFeatures(draft) ??
    draft
  );
}

function isConfig(result: StreamConfig | ApiError): result is StreamConfig {
  return "name" in result;
}

/** What an update must not change, or not in this direction. */
function checkUnchangeable(config: StreamConfig, old: StreamConfig): ApiError | null {
  const refused = (text: string) => invalidConfig(`stream configuration update can not ${text}`);
  if (config.name !== old.name) return invalidConfig("stream configuration name must match original");
  if (config.replicas > 1) return apiError("StreamReplicasNotSupported");
  if (config.storage !== old.storage) return refused("change storage type");
  const touchesWorkqueue = config.retention === "workqueue" || old.retention === "workqueue";
  if (config.retention !== old.retention && touchesWorkqueue) return refused("change retention policy to/from workqueue");
  if (old.sealed && !config.sealed) return refused("unseal a sealed stream");
  if (old.denyDelete && !config.denyDelete) return refused("cancel deny message deletes");
  if (old.denyPurge && !config.denyPurge) return refused("cancel deny purge");
  if (config.mirror !== null && !isSameSource(config.mirror, old.mirror)) return apiError("StreamMirrorNotUpdatable");
  const discard = checkDiscardNewPerSubject(config);
  if (discard !== null) return discard;
  if (old.allowTtl && !config.allowTtl) return invalidConfig("message TTL status can not be disabled");
  if (config.allowCounter !== old.allowCounter) return refused("change message counter setting");
  if (old.allowSchedules && !config.allowSchedules) return invalidConfig("message schedules can not be disabled");
  return config.persistMode === old.persistMode ? null : refused("change persist mode");
}

/** Nothing gets into or out of a sealed stream. */
function seal(draft: Draft): void {
  draft.ageMaxNs = 0;
  draft.discard = "new";
  draft.denyDelete = true;
  draft.denyPurge = true;
  draft.allowRollup = false;
}

/** Only the bytes that the update adds are reserved anew; what the stream has is taken as reserved already. */
function checkAddedBytes(config: StreamConfig, old: StreamConfig, context: StreamContext): ApiError | null {
  const { bytesMax, replicas } = config;
  const most = positive(bytesMax) - positive(old.bytesMax);
  const added = most < 0n ? 0n : most;
  const selected = selectLimits(context.limits, replicas) ?? selectLimits(context.limits, old.replicas);
  if (selected === null) return apiError("NoLimits");
  const { tier } = selected;
  const ownBytes = accountBytes(tier, replicas, BigInt(bytesMax) - added);
  const reserved = saturated(bytesReserved(tier, config, context.configs()) + ownBytes);
  return checkReservation(selected, config, reserved, added, context.server);
}

function positive(bytes: Integer): bigint {
  return bytes > 0 ? BigInt(bytes) : 0n;
}

/** Limits for consumers may be set or changed only where no consumer exceeds them. */
function checkConsumers({ consumerLimits }: StreamConfig, old: StreamConfig, existing: ExistingStream): ApiError | null {
  const { inactiveThresholdNs, ackPendingMax } = consumerLimits;
  const limits = old.consumerLimits;
  const changes =
    (inactiveThresholdNs > 0 && inactiveThresholdNs !== limits.inactiveThresholdNs) ||
    (ackPendingMax > 0 && ackPendingMax !== limits.ackPendingMax);
  if (!changes) return null;
  const exceeding: string[] = [];
  for (const consumer of existing.consumers()) {
    const isExceeding =
      (inactiveThresholdNs > 0 && consumer.inactiveThresholdNs > inactiveThresholdNs) ||
      (ackPendingMax > 0 && consumer.ackPendingMax > ackPendingMax);
    if (isExceeding) exceeding.push(consumer.name);
  }
  return exceeding.length === 0 ? null : wrapped("StreamUpdate", `change to limits violates consumers: ${exceeding.join(", ")}`);
}
