/**
 * Entries of a stream's metadata that the server makes.
 *
 *   _nats.req.level   stored: API level that a server needs for the configuration
 *   _nats.ver         in answers only: version of the server
 *   _nats.level       in answers only: API level of the server
 * Source: jetstream §1.10.
 */
import { INT64_MAX, INT64_MIN, parseExact } from "../../base/go/strconv.ts";
import type { GivenStreamConfig } from "./stream-config.ts";

/** Highest API level that this server knows. */
export const API_LEVEL = 5;

const REQUIRED_LEVEL = "_nats.req.level";
const SERVER_VERSION = "_nats.ver";
const SERVER_LEVEL = "_nats.level";

type Metadata = ReadonlyMap<string, string>;

/** Metadata to be stored: with the required level, without the entries of answers. */
export function storedMetadata(config: GivenStreamConfig): Metadata {
  return withRequiredLevel(config.metadata, requiredLevel(config));
}

export function withRequiredLevel(metadata: Metadata, level: number): Metadata {
  return withoutDynamic(metadata).set(REQUIRED_LEVEL, String(level));
}

/** Metadata for an answer. */
export function answeredMetadata(metadata: Metadata, version: string): Metadata {
  return new Map(metadata).set(SERVER_VERSION, version).set(SERVER_LEVEL, String(API_LEVEL));
}

/** Metadata with the required level of another configuration, or without one, for a comparison of the two. */
export function metadataAsIn(metadata: Metadata, other: Metadata): Metadata {
  const copy = withoutDynamic(metadata);
  const level = other.get(REQUIRED_LEVEL);
  if (level === undefined) copy.delete(REQUIRED_LEVEL);
  else copy.set(REQUIRED_LEVEL, level);
  return copy;
}

/** Whether this server supports what a stored asset needs. */
export function supportsLevel(metadata: Metadata): boolean {
  const level = metadata.get(REQUIRED_LEVEL) ?? "";
  return level === "" || isSupportedLevel(level);
}

/** @param level text of the metadata, or of the header `Nats-Required-Api-Level` */
export function isSupportedLevel(level: string): boolean {
  const number = parseExact(level, INT64_MIN, INT64_MAX);
  return typeof number !== "string" && number <= API_LEVEL;
}

/** The level that a stored asset names; empty: none. */
export function requiredLevelText(metadata: Metadata): string {
  return metadata.get(REQUIRED_LEVEL) ?? "";
}

function withoutDynamic(metadata: Metadata): Map<string, string> {
  const copy = new Map(metadata);
  copy.delete(SERVER_VERSION);
  copy.delete(SERVER_LEVEL);
  return copy;
}

function requiredLevel(config: GivenStreamConfig): number {
  if (config.allowBatched) return 4;
  if (config.allowCounter || config.allowAtomic || config.allowSchedules || config.persistMode === "async") return 2;
  return config.allowTtl || config.markerTtlNs > 0 ? 1 : 0;
}
