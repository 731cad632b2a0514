/**
 * Rules for mirrors and sources. An origin in another account or domain (`external`) is not looked at; an origin here may be missing.
 * Source: jetstream §2.3.
 */
import { quoted } from "../../base/go/strconv.ts";
import {
  collideText,
  hasWildcardText,
  isSubsetText,
  isValidPublishSubjectText,
  isValidSubjectText,
} from "../../messaging/subject/subject-text.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import type { SourcingConsumer, StreamConfig, StreamSource } from "./stream-config.ts";
import { type Draft, invalidConfig, isValidAssetName, pedanticError, type StreamRules } from "./stream-rules.ts";
import { destinationFault, sourceFault } from "./stream-subjects.ts";

const API_PREFIX = "$JS.API";

export function checkMirror(draft: Draft, pedantic: boolean, rules: StreamRules): ApiError | null {
  const { mirror } = draft;
  if (mirror === null) return null;
  const error = checkMirrorOptions(draft) ?? checkMirrorTransforms(draft, mirror);
  if (error !== null || mirror.external !== null) return error;
  if (!isValidAssetName(mirror.name)) return apiError("MirrorInvalidStreamName");
  const origin = rules.configOf(mirror.name);
  if (origin === null) return null;
  if (isTooSmallFor(draft, origin)) return apiError("MirrorMaxMessageSizeTooBig");
  if (pedantic && draft.mirrorDirect !== origin.allowDirect) {
    return pedanticError("origin stream has direct get set, mirror has it disabled");
  }
  draft.mirrorDirect = origin.allowDirect;
  return null;
}

/** Options that a mirror cannot have: it holds exactly what its origin holds. */
function checkMirrorOptions(config: StreamConfig): ApiError | null {
  if (config.firstSequence !== 0) return apiError("MirrorWithFirstSeq");
  if (config.subjects.length > 0) return apiError("MirrorWithSubjects");
  if (config.sources.length > 0) return apiError("MirrorWithSources");
  if (config.allowCounter) return apiError("MirrorWithCounters");
  if (config.allowAtomic) return apiError("MirrorWithAtomicPublish");
  if (config.allowBatched) return apiError("MirrorWithBatchPublish");
  return config.allowSchedules ? apiError("MirrorWithMsgSchedules") : null;
}

function checkMirrorTransforms({ markerTtlNs }: StreamConfig, mirror: StreamSource): ApiError | null {
  const { subjectTransforms } = mirror;
  if (!isValidConsumer(mirror)) return apiError("MirrorDurableConsumerCfgInvalid");
  if (mirror.filterSubject !== "" && subjectTransforms.length > 0) return apiError("MirrorMultipleFiltersNotAllowed");
  if (markerTtlNs > 0) return invalidConfig("subject delete markers forbidden on mirrors");
  for (const transform of subjectTransforms) {
    const source = sourceFault(transform);
    if (source !== null) return apiError("MirrorInvalidSubjectFilter", { err: source });
    const destination = destinationFault(transform);
    if (destination !== null) return apiError("MirrorInvalidTransformDestination", { err: destination });
    if (subjectTransforms.some(other => other !== transform && collideText(transform.source, other.source))) {
      return apiError("MirrorOverlappingSubjectFilters");
    }
  }
  return null;
}

export function checkSources(draft: Draft, rules: StreamRules): ApiError | null {
  const { sources, mirror } = draft;
  if (sources.length > 0 && draft.allowSchedules) return apiError("SourceWithMsgSchedules");
  const names = { indexes: new Set<string>(), consumers: new Set<string>() };
  for (const source of sources) {
    const error = source === null ? apiError("SourceInvalidStreamName") : checkSource(draft, source, names, rules);
    if (error !== null) return error;
  }
  const origins = [mirror, ...sources].filter(origin => origin !== null);
  return checkPrefixes(origins, rules) ?? checkCycle(draft, rules);
}

interface NamesSeen {
  readonly indexes: Set<string>;
  readonly consumers: Set<string>;
}

function checkSource(config: StreamConfig, source: StreamSource, seen: NamesSeen, rules: StreamRules): ApiError | null {
  const { subjectTransforms } = source;
  if (!isValidAssetName(source.name)) return apiError("SourceInvalidStreamName");
  if (!addNew(seen.indexes, indexName(source))) return apiError("SourceDuplicateDetected");
  if (source.filterSubject !== "" && subjectTransforms.length > 0) return apiError("SourceMultipleFiltersNotAllowed");
  for (const transform of subjectTransforms) {
    const from = sourceFault(transform);
    if (from !== null) return apiError("SourceInvalidSubjectFilter", { err: from });
    const to = destinationFault(transform);
    if (to !== null) return apiError("SourceInvalidTransformDestination", { err: to });
  }
  if (subjectTransforms.some(one => subjectTransforms.some(other => other !== one && isSubsetText(one.source, other.source)))) {
    return apiError("SourceOverlappingSubjectFilters");
  }
  if (!isValidConsumer(source)) return apiError("SourceDurableConsumerCfgInvalid");
  if (source.consumer !== null && !addNew(seen.consumers, consumerName(source, source.consumer))) {
    return apiError("SourceDurableConsumerDuplicateDetected");
  }
  const origin = source.external === null ? rules.configOf(source.name) : null;
  return origin !== null && isTooSmallFor(config, origin) ? apiError("SourceMaxMessageSizeTooBig") : null;
}

/** Whether the origin may hold messages that the stream would refuse. */
function isTooSmallFor({ messageBytesMax }: StreamConfig, origin: StreamConfig): boolean {
  return messageBytesMax > 0 && origin.messageBytesMax > 0 && messageBytesMax < origin.messageBytesMax;
}

/** A consumer made by somebody else decides where to start and what to deliver. */
function isValidConsumer({ consumer, startSequence, startTime, filterSubject }: StreamSource): boolean {
  if (consumer === null) return true;
  const { name, deliverSubject } = consumer;
  const isDeliverable = !hasWildcardText(deliverSubject) && isValidSubjectText(deliverSubject);
  return isValidAssetName(name) && isDeliverable && startSequence === 0 && startTime === null && filterSubject === "";
}

function addNew(seen: Set<string>, name: string): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  return true;
}

/** Tells sources apart that take different messages from the same origin, or the same name in another domain. */
function indexName(source: StreamSource): string {
  const { subjectTransforms, filterSubject } = source;
  const orAll = (subject: string) => (subject === "" ? ">" : subject);
  const filters = subjectTransforms.length === 0 ? [orAll(filterSubject)] : subjectTransforms.map(one => orAll(one.source));
  const destinations = subjectTransforms.length === 0 ? [">"] : subjectTransforms.map(one => orAll(one.destination));
  return JSON.stringify([originName(source), source.consumer?.name ?? null, filters, destinations]);
}

function consumerName(source: StreamSource, { name }: SourcingConsumer): string {
  return JSON.stringify([originName(source), name]);
}

function originName({ name, external }: StreamSource): readonly (string | null)[] {
  return [name, external?.api ?? null];
}

/** Prefixes of other accounts and domains must be plain subjects that do not lead back here. */
function checkPrefixes(origins: readonly StreamSource[], rules: StreamRules): ApiError | null {
  const externals = origins.flatMap(({ external }) => (external === null ? [] : [external]));
  const subjects = origins.flatMap(({ name, external }) => (external === null ? (rules.configOf(name)?.subjects ?? []) : []));
  for (const { deliver } of externals) {
    if (deliver === "") continue;
    if (!isValidPublishSubjectText(deliver)) return apiError("StreamInvalidExternalDeliverySubj", { prefix: deliver });
    const overlapping = subjects.find(subject => collideText(subject, `${deliver}.${subject}`));
    if (overlapping !== undefined) return apiError("StreamExternalDelPrefixOverlaps", { prefix: deliver, subject: overlapping });
  }
  for (const { api } of externals) {
    if (api === "") continue;
    if (!isValidPublishSubjectText(api)) {
      return invalidConfig(`stream external api prefix ${quoted(api)} must be a valid subject without wildcards`);
    }
    if (collideText(api, API_PREFIX)) return apiError("StreamExternalApiOverlap", { prefix: api, subject: API_PREFIX });
  }
  return null;
}

/** Streams that feed each other in a circle, if the filter of the last one matches subjects of the stream that it leads from. */
function checkCycle(first: StreamConfig, rules: StreamRules): ApiError | null {
  const cycle = () => invalidConfig("detected cycle");
  const visited = new Set<string>();
  const toVisit: StreamConfig[] = [first];
  for (const config of toVisit) {
    visited.add(config.name);
    for (const source of config.sources) {
      if (source === null || source.external !== null) continue;
      const { name, filterSubject } = source;
      if (visited.has(name)) {
        if (filterSubject === "" || config.subjects.some(subject => collideText(subject, filterSubject))) return cycle();
      } else visit(name);
    }
    const { mirror } = config;
    if (mirror === null || mirror.external !== null) continue;
    if (visited.has(mirror.name)) return cycle();
    visit(mirror.name);
  }
  return null;

  function visit(name: string): void {
    const config = rules.configOf(name);
    if (config !== null) toVisit.push(config);
  }
}

/** Rules that only a new stream must obey. @returns text for `StreamCreate` */
export function filterFault({ mirror, sources }: StreamConfig): string | null {
  if (mirror !== null && isInvalidFilter(mirror)) return `subject filter '${mirror.filterSubject}' for the mirror invalid subject`;
  const source = sources.find(one => one !== null && isInvalidFilter(one));
  return source === undefined ? null : `subject filter '${source!.filterSubject}' for the source: invalid subject`;
}

function isInvalidFilter({ subjectTransforms, filterSubject }: StreamSource): boolean {
  return subjectTransforms.length === 0 && filterSubject !== "" && !isValidSubjectText(filterSubject);
}
