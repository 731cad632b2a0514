/** A stream's configuration as publishing needs it: compiled once, read for every message. */
import { SubjectTransform } from "../../messaging/mapping/subject-transform.ts";
import type { StreamConfig } from "../config/stream-config.ts";

export interface RepublishRule {
  readonly transform: SubjectTransform;
  readonly headersOnly: boolean;
}

export interface PublishRules {
  readonly name: string;
  readonly isFile: boolean;
  readonly sealed: boolean;
  readonly noAck: boolean;
  /** Headers and payload, bytes; -1: no limit. */
  readonly messageBytesMax: number;
  /** Rollups are allowed, which purge. */
  readonly allowRollup: boolean;
  readonly allowTtl: boolean;
  /** A shorter time to live is raised to this; 0: not. */
  readonly ttlMinSeconds: number;
  /** Messages that no consumer wants are not stored. */
  readonly byInterest: boolean;
  /** Changes subjects before anything else; null: none. */
  readonly transform: SubjectTransform | null;
  readonly republish: RepublishRule | null;
}

const NANOS_PER_SECOND = 1e9;

export function rulesOf(config: StreamConfig): PublishRules {
  const { subjectTransform } = config;
  return {
    name: config.name,
    isFile: config.storage === "file",
    sealed: config.sealed,
    noAck: config.noAck,
    messageBytesMax: config.messageBytesMax,
    allowRollup: config.allowRollup && !config.denyPurge,
    allowTtl: config.allowTtl,
    ttlMinSeconds: config.messagesPerSubjectMax === 1 ? 0 : Math.floor(Number(config.markerTtlNs) / NANOS_PER_SECOND),
    byInterest: config.retention === "interest",
    // Without a destination nothing is changed.
    transform: subjectTransform?.destination ? SubjectTransform.compile(subjectTransform.source, subjectTransform.destination) : null,
    republish: republishOf(config),
  };
}

function republishOf({ republish, subjectTransform, subjects }: StreamConfig): RepublishRule | null {
  if (republish === null || republish.destination === "") return null;
  let { destination, source } = republish;
  // `>` to `>` in a stream whose transform covers its only subject: the subjects that the transform makes.
  if (
    source === ">" &&
    destination === ">" &&
    subjectTransform !== null &&
    subjects.length === 1 &&
    subjectTransform.source === subjects[0]
  ) {
    source = subjectTransform.destination;
    destination = subjectTransform.destination;
  }
  return { transform: SubjectTransform.compile(source, destination), headersOnly: republish.headersOnly };
}
