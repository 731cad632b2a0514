/**
 * Whether two configurations are the same. A create with the configuration of an existing stream succeeds and changes nothing.
 * As in the reference, an absent list differs from an empty one: `"sources":[]` is not the configuration of a stream made without sources. A
 * stream read from its file has no empty lists.
 */
import { isAbsent } from "../../base/go/json-shape.ts";
import { metadataAsIn } from "./metadata.ts";
import type { StreamConfig, StreamSource } from "./stream-config.ts";

/** @param requested normalised; its entries of metadata that the server makes are ignored */
export function isSameConfig(requested: StreamConfig, existing: StreamConfig): boolean {
  return isEqual({ ...requested, metadata: metadataAsIn(requested.metadata, existing.metadata) }, existing);
}

export function isSameSource(source: StreamSource | null, other: StreamSource | null): boolean {
  return isEqual(source, other);
}

/** Compares plain values, lists, maps and objects with the same fields. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) && Array.isArray(other)) {
    return isAbsent(one) === isAbsent(other) && one.length === other.length && one.every((item, index) => isEqual(item, other[index]));
  }
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([key, value]) => other.has(key) && isEqual(value, other.get(key)));
  }
  return Object.entries(one).every(([key, value]) => isEqual(value, (other as Record<string, unknown>)[key]));
}
