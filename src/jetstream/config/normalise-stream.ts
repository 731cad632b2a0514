/**
 * Makes a valid configuration of a requested one: fills in defaults, adjusts, and refuses what is wrong, in the reference's order.
 *
 *   checkIdentity ▶ checkNumbers ▶ checkDuplicateWindow ▶ checkFeatures ▶ sources (stream-sources.ts) ▶ subjects, transforms (stream-subjects.ts)
 * A pure function of the request and of what it is checked against. In pedantic mode most adjustments are an error instead. The result is valid
 * input again and gives the same result.
 * Source: jetstream §2.1.
 */
import { goDuration } from "../../base/go/duration.ts";
import { isAbsent } from "../../base/go/json-shape.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import { selectLimits, type TieredLimits } from "./account-limits.ts";
import type { GivenStreamConfig, Integer, StreamConfig } from "./stream-config.ts";
import { type Draft, invalidConfig, isValidAssetName, NAME_BYTES_MAX, pedanticError, type StreamRules } from "./stream-rules.ts";
import { checkMirror, checkSources } from "./stream-sources.ts";
import { checkRepublish, checkSubjects, checkSubjectTransform } from "./stream-subjects.ts";

const DESCRIPTION_BYTES_MAX = 4_096;
const METADATA_BYTES_MAX = 131_072;
const REPLICAS_MAX = 5;
const SECOND_NS = 1_000_000_000;
/** Shortest age and window of duplicates. */
const SPAN_NS_MIN = SECOND_NS / 10;
const DUPLICATE_WINDOW_NS = 120 * SECOND_NS;

/** @param pedantic see the file's description @returns a new configuration, or why there is none */
export function normaliseStream(given: GivenStreamConfig, pedantic: boolean, rules: StreamRules): StreamConfig | ApiError {
  const refused = checkIdentity(given);
  if (refused !== null) return refused;
  const draft: Draft = { ...given, storage: given.storage === "" ? "file" : given.storage };
  const error =
    fillInNumbers(draft, pedantic) ??
    fillInDuplicateWindow(draft, pedantic, rules.duplicateWindowMaxNs) ??
    checkFeatures(draft, pedantic) ??
    checkMirror(draft, pedantic, rules) ??
    checkSources(draft, rules) ??
    checkSubjects(draft) ??
    checkBytes(draft, rules.limits) ??
    checkSubjectTransform(draft) ??
    checkRepublish(draft, pedantic) ??
    checkPlacement(draft);
  return error ?? draft;
}

function checkIdentity({ name, description, metadata }: GivenStreamConfig): ApiError | null {
  if (!isValidAssetName(name)) return invalidConfig("stream name is required and can not contain '.', '*', '>', '\\', '/'");
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return invalidConfig(`stream name is too long, maximum allowed is ${NAME_BYTES_MAX}`);
  if (Buffer.byteLength(description) > DESCRIPTION_BYTES_MAX) {
    return invalidConfig(`stream description is too long, maximum allowed is ${DESCRIPTION_BYTES_MAX}`);
  }
  let size = 0;
  for (const [key, value] of metadata) size += Buffer.byteLength(key) + Buffer.byteLength(value);
  return size > METADATA_BYTES_MAX ? invalidConfig(`stream metadata exceeds maximum size of ${METADATA_BYTES_MAX} bytes`) : null;
}

/** Limits of which 0 and all negative numbers mean none, with their names in JSON, in the order of the checks. */
const UNLIMITED_BELOW_ONE = [
  ["messagesMax", "max_msgs"],
  ["messagesPerSubjectMax", "max_msgs_per_subject"],
  ["bytesMax", "max_bytes"],
  ["messageBytesMax", "max_msg_size"],
  ["consumersMax", "max_consumers"],
] as const;

function fillInNumbers(draft: Draft, pedantic: boolean): ApiError | null {
  if (draft.replicas === 0) draft.replicas = 1;
  if (draft.replicas > REPLICAS_MAX) return invalidConfig(`maximum replicas is ${REPLICAS_MAX}`);
  if (draft.replicas < 0) return apiError("ReplicasCountCannotBeNegative");
  for (const [key, name] of UNLIMITED_BELOW_ONE) {
    if (draft[key] > 0 || draft[key] === -1) continue;
    if (pedantic && draft[key] !== 0) return pedanticError(`${name} must be set to -1`);
    draft[key] = -1;
  }
  if (draft.ageMaxNs < 0) return invalidConfig("max age can not be negative");
  return draft.ageMaxNs !== 0 && draft.ageMaxNs < SPAN_NS_MIN ? invalidConfig("max age needs to be >= 100ms") : null;
}

function fillInDuplicateWindow(draft: Draft, pedantic: boolean, serverMaxNs: Integer): ApiError | null {
  const { ageMaxNs } = draft;
  if (draft.duplicateWindowNs === 0 && draft.mirror === null && draft.sources.length === 0) {
    let window: Integer = DUPLICATE_WINDOW_NS;
    if (serverMaxNs > 0 && window > serverMaxNs) {
      if (pedantic) return pedanticError("duplicate window limits are higher than current limits");
      window = serverMaxNs;
    }
    if (ageMaxNs !== 0 && ageMaxNs < window) {
      if (pedantic) return pedanticError("duplicate window cannot be bigger than max age");
      window = ageMaxNs;
    }
    draft.duplicateWindowNs = window;
  }
  const window = draft.duplicateWindowNs;
  if (window < 0) return invalidConfig("duplicates window can not be negative");
  if (ageMaxNs !== 0 && window > ageMaxNs) return invalidConfig("duplicates window can not be larger then max age");
  if (serverMaxNs > 0 && window > serverMaxNs) {
    return invalidConfig(`duplicates window can not be larger then server limit of ${goDuration(serverMaxNs)}`);
  }
  return window > 0 && window < SPAN_NS_MIN ? invalidConfig("duplicates window needs to be >= 100ms") : null;
}

/** Options that exclude or require each other. */
function checkFeatures(draft: Draft, pedantic: boolean): ApiError | null {
  if (draft.denyPurge && draft.allowRollup) return invalidConfig("roll-ups require the purge permission");
  return (
    checkCounter(draft) ??
    checkDiscardNewPerSubject(draft) ??
    fillInMarkers(draft, pedantic) ??
    fillInSchedules(draft, pedantic) ??
    checkPersistMode(draft)
  );
}

function checkCounter(draft: Draft): ApiError | null {
  if (!draft.allowCounter) return null;
  if (draft.discard === "new") return invalidConfig("counter stream cannot use discard new");
  if (draft.allowTtl) return invalidConfig("counter stream cannot use message TTLs");
  if (draft.allowSchedules) return invalidConfig("counter stream cannot use message schedules");
  return draft.retention === "limits" ? null : invalidConfig("counter stream can only use limits retention");
}

/** Also a rule of updates. */
export function checkDiscardNewPerSubject({ discardNewPerSubject, discard, messagesPerSubjectMax }: StreamConfig): ApiError | null {
  if (!discardNewPerSubject) return null;
  if (discard !== "new") return invalidConfig("discard new per subject requires discard new policy to be set");
  return messagesPerSubjectMax > 0 ? null : invalidConfig("discard new per subject requires max msgs per subject > 0");
}

function fillInMarkers(draft: Draft, pedantic: boolean): ApiError | null {
  const { markerTtlNs } = draft;
  if (markerTtlNs === 0) return null;
  if (markerTtlNs < 0) return invalidConfig("subject delete marker TTL must not be negative");
  if (markerTtlNs < SECOND_NS) return invalidConfig("subject delete marker TTL must be at least 1 second");
  if (!draft.allowTtl) {
    if (pedantic) return invalidConfig("subject delete marker cannot be set if message TTLs are disabled");
    draft.allowTtl = true;
  }
  return fillInRollup(draft, pedantic, "subject delete marker cannot be set if roll-ups are disabled");
}

function fillInSchedules(draft: Draft, pedantic: boolean): ApiError | null {
  if (!draft.allowSchedules) return null;
  if (draft.discard === "new") return invalidConfig("message scheduling cannot use discard new");
  return fillInRollup(draft, pedantic, "message scheduling cannot be set if roll-ups are disabled");
}

/** Roll-ups, which need the permission to purge. */
function fillInRollup(draft: Draft, pedantic: boolean, fault: string): ApiError | null {
  if (draft.allowRollup) return null;
  if (pedantic) return invalidConfig(fault);
  draft.allowRollup = true;
  draft.denyPurge = false;
  return null;
}

function checkPersistMode({ persistMode, storage, replicas, allowAtomic }: Draft): ApiError | null {
  if (persistMode !== "async") return null;
  if (storage !== "file") return invalidConfig("async persist mode is only supported on file storage");
  if (replicas > 1) return invalidConfig("async persist mode is not supported on replicated streams");
  return allowAtomic ? invalidConfig("async persist mode is not supported with atomic batch publish") : null;
}

/** Limits of the account on `max_bytes` of one stream. Without a tier for the stream nothing is checked here. */
function checkBytes({ replicas, storage, bytesMax }: Draft, tiers: TieredLimits): ApiError | null {
  const selected = selectLimits(tiers, replicas);
  if (selected === null) return null;
  const { streamBytesRequired, memoryStreamBytesMax, storageStreamBytesMax } = selected.limits;
  if (streamBytesRequired && bytesMax <= 0) return apiError("StreamMaxBytesRequired");
  const most = storage === "memory" ? memoryStreamBytesMax : storageStreamBytesMax;
  return most > 0 && bytesMax > most ? apiError("StreamMaxStreamBytesExceeded") : null;
}

/** An empty placement is none. */
function checkPlacement(draft: Draft): ApiError | null {
  const { placement } = draft;
  if (placement === null) return null;
  if (placement.preferred !== "") return invalidConfig("preferred server not permitted in placement");
  if (placement.cluster === "" && isAbsent(placement.tags)) draft.placement = null;
  return null;
}
