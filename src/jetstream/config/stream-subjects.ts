/**
 * Rules for a stream's subjects, its subject transform and its republish.
 * Source: jetstream §2.1, §5.4.
 */
import { quoted } from "../../base/go/strconv.ts";
import { checkDestination } from "../../messaging/mapping/mapping-rule.ts";
import { SubjectTransform, TransformError } from "../../messaging/mapping/subject-transform.ts";
import { collideText, isSubsetText, isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import type { StreamConfig, SubjectTransformConfig } from "./stream-config.ts";
import { type Draft, invalidConfig, pedanticError } from "./stream-rules.ts";

/** Subjects of JetStream itself: its API, and the traffic between servers. */
const JETSTREAM_SUBJECTS = ["$JS.>", "$JSC.>", "$NRG.>"];

/** A stream without subjects that is no mirror and has no sources gets its name as its subject. */
export function checkSubjects(draft: Draft): ApiError | null {
  const { name, subjects, mirror, sources } = draft;
  if (subjects.length > 0) return mirror === null ? checkGivenSubjects(draft) : apiError("MirrorWithSubjects");
  if (mirror === null && sources.length === 0) draft.subjects = [name];
  return null;
}

function checkGivenSubjects({ subjects, noAck, replicas }: StreamConfig): ApiError | null {
  const seen = new Set<string>();
  for (const [index, subject] of subjects.entries()) {
    if (!isValidSubjectText(subject)) return invalidConfig("invalid subject");
    if (seen.has(subject)) return invalidConfig("duplicate subjects detected");
    if (subject === ">") {
      if (!noAck) return invalidConfig("capturing all subjects requires no-ack to be true");
      if (replicas !== 1) return invalidConfig("capturing all subjects requires replicas of 1");
    }
    if (!noAck) {
      if (JETSTREAM_SUBJECTS.some(own => collideText(subject, own)) && !isSubsetText(subject, "$JS.EVENT.>")) {
        return invalidConfig("subjects that overlap with jetstream api require no-ack to be true");
      }
      if (collideText(subject, "$SYS.>") && !isSubsetText(subject, "$SYS.ACCOUNT.>")) {
        return invalidConfig("subjects that overlap with system api require no-ack to be true");
      }
    }
    for (const other of subjects.slice(index + 1)) {
      if (collideText(other, subject)) return invalidConfig(`subject ${quoted(subject)} overlaps with ${quoted(other)}`);
    }
    seen.add(subject);
  }
  return null;
}

/** Whether any subject of one stream matches messages that any subject of the other matches. */
export function subjectsOverlap(subjects: readonly string[], others: readonly string[]): boolean {
  return subjects.some(subject => others.some(other => firstTokensAgree(subject, other) && collideText(subject, other)));
}

/** A cheap test that most pairs of subjects fail: different literal first characters. */
function firstTokensAgree(subject: string, other: string): boolean {
  const first = subject[0];
  return first === other[0] || first === "*" || first === ">" || other[0] === "*" || other[0] === ">";
}

export function checkSubjectTransform({ subjectTransform }: StreamConfig): ApiError | null {
  if (subjectTransform === null) return null;
  const source = sourceFault(subjectTransform);
  if (source !== null) return apiError("StreamTransformInvalidSource", { err: source });
  const destination = destinationFault(subjectTransform);
  return destination === null ? null : apiError("StreamTransformInvalidDestination", { err: destination });
}

/** @returns why the source of a transform is invalid; null: it is valid */
export function sourceFault({ source }: SubjectTransformConfig): string | null {
  return source === "" || isValidSubjectText(source) ? null : `invalid subject ${source}`;
}

/** @returns why the destination is invalid for the source; null: it is valid. An empty destination means: unchanged. */
export function destinationFault({ source, destination }: SubjectTransformConfig): string | null {
  return destination === "" ? null : checkDestination(source, destination);
}

/** From `>` to `>`, beside a transform of the stream's only subject, means: republish under the transformed subject. */
export function checkRepublish(draft: Draft, pedantic: boolean): ApiError | null {
  if (draft.republish === null) return null;
  let republish = draft.republish;
  if (republish.source === "") {
    if (pedantic) return pedanticError("republish source can not be empty");
    republish = { ...republish, source: ">" };
  }
  const { subjects, subjectTransform } = draft;
  const isImplicit = republish.source === ">" && republish.destination === ">" && subjects.length === 1;
  if (isImplicit && subjectTransform !== null && subjectTransform.source === subjects[0]) {
    if (pedantic) return pedanticError("implicit republish based on subject transform");
    const { destination } = subjectTransform;
    republish = { ...republish, source: destination, destination };
  }
  draft.republish = republish;
  const { source, destination } = republish;
  return checkRepublishCycle(draft, destination) ?? checkRepublishTransform(source, destination);
}

/** A stream must not store what it republishes. */
function checkRepublishCycle({ subjects }: StreamConfig, destination: string): ApiError | null {
  if (!subjects.some(subject => collideText(destination, subject))) return null;
  return invalidConfig("stream configuration for republish destination forms a cycle");
}

/**
 * A new stream ignores a republish without destination. In an update it means all subjects, which the stream would store again: the reference
 * accepts that, this server does not.
 */
export function checkUpdatedRepublish(draft: Draft): ApiError | null {
  const { republish } = draft;
  if (republish === null || republish.destination !== "") return null;
  draft.republish = { ...republish, destination: ">" };
  return checkRepublishCycle(draft, ">") ?? checkRepublishTransform(republish.source, ">");
}

function checkRepublishTransform(source: string, destination: string): ApiError | null {
  return destination === "" || isTransform(source, destination)
    ? null
    : invalidConfig(`stream configuration for republish with transform from '${source}' to '${destination}' not valid`);
}

function isTransform(source: string, destination: string): boolean {
  try {
    SubjectTransform.compile(source, destination);
    return true;
  } catch (error) {
    if (error instanceof TransformError) return false;
    throw error;
  }
}
