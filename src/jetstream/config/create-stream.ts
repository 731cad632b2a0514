/**
 * Decides whether a stream can be created, before anything is touched. All checks of STREAM.CREATE that need no disk, in the reference's order.
 *
 *   request ─ name, path, sealed ▶ limits as requested ▶ normalise ▶ replicas ▶ exists? ▶ limits ▶ filters ▶ overlap ─▶ configuration to store
 * A pure function of the request and of the account's streams; the metadata of the result has the required API level.
 * Source: jetstream §1.11, §2.1, §2.2.
 */
import { type ApiError, apiError, wrapped } from "../error/api-error.ts";
import { bytesReserved, checkReservation, type Footprint, type ServerReservations, selectLimits, streamsInTier } from "./account-limits.ts";
import { isSameConfig } from "./config-equality.ts";
import { refuseLaterFeatures } from "./later-features.ts";
import { storedMetadata } from "./metadata.ts";
import { normaliseStream } from "./normalise-stream.ts";
import type { StreamConfig, StreamConfigRequest } from "./stream-config.ts";
import { checkFirstSequence, invalidConfig, type StreamRules } from "./stream-rules.ts";
import { filterFault } from "./stream-sources.ts";
import { subjectsOverlap } from "./stream-subjects.ts";

/** What the account has, and what the server can still give. */
export interface StreamContext extends StreamRules {
  readonly server: ServerReservations;
  /** Configurations of all streams of the account. */
  configs(): Iterable<StreamConfig>;
}

export interface CreateDecision {
  /** To be stored; of the existing stream, if there is one. */
  readonly config: StreamConfig;
  /** The stream exists with this configuration: it is answered like a new one. */
  readonly exists: boolean;
}

/** @param name the stream's name in the subject of the request */
export function decideCreate(request: StreamConfigRequest, name: string, context: StreamContext): CreateDecision | ApiError {
  const given = { ...request, metadata: storedMetadata(request) };
  const refused = checkRequest(given, name) ?? checkLimits(given, context, true);
  if (refused !== null) return refused;
  const { pedantic, ...rest } = given;
  const config = normaliseStream(rest, pedantic, context);
  if (!("name" in config)) return config;
  return decideNew(config, context);
}

/** @param config normalised, with its metadata */
function decideNew(config: StreamConfig, context: StreamContext): CreateDecision | ApiError {
  if (config.replicas > 1) return apiError("StreamReplicasNotSupported");
  const existing = context.configOf(config.name);
  if (existing !== null) return isSameConfig(config, existing) ? { config: existing, exists: true } : apiError("StreamNameExist");
  const refused = checkLimits(config, context, false);
  if (refused !== null) return refused;
  const filter = filterFault(config);
  if (filter !== null) return wrapped("StreamCreate", filter);
  return checkOverlap(config, context) ?? checkFirstSequence(config) ?? refuseLaterFeatures(config) ?? { config, exists: false };
}

function checkRequest(request: StreamConfigRequest, name: string): ApiError | null {
  if (name !== request.name) return apiError("StreamMismatch");
  if (/[\\/]/.test(name)) return apiError("StreamNameContainsPathSeparators");
  if (request.sealed) return invalidConfig("stream configuration for create can not be sealed");
  const isMirrorDirect = request.mirrorDirect && request.mirror === null;
  return isMirrorDirect ? invalidConfig("stream has no mirror but does have mirror direct") : null;
}

function checkLimits(config: Footprint, context: StreamContext, countsStreams: boolean): ApiError | null {
  const selected = selectLimits(context.limits, config.replicas);
  if (selected === null) return apiError("NoLimits");
  const { tier, limits } = selected;
  if (countsStreams && limits.streamsMax > 0 && streamsInTier(tier, config, context.configs()) >= limits.streamsMax) {
    return apiError("MaximumStreamsLimit");
  }
  return checkReservation(selected, config, bytesReserved(tier, config, context.configs()), BigInt(config.bytesMax), context.server);
}

/** Streams of an account must not store the same message twice. */
export function checkOverlap({ name, subjects }: StreamConfig, context: StreamContext): ApiError | null {
  for (const other of context.configs()) {
    if (other.name !== name && subjectsOverlap(subjects, other.subjects)) return apiError("StreamSubjectOverlap");
  }
  return null;
}
