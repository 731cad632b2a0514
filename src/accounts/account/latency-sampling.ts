/**
 * Decides which requests to a service are measured: a random percentage, and requests whose tracing headers are sampled.
 *
 *   Uber-Trace-Id   a:b:c:flags            lowest bit of the flags
 *   X-B3-Sampled    1, or 0 to forbid it   without it, X-B3-TraceId alone is enough
 *   B3              trace-span-sampled-…   unless the sampled field is 0, or all of it is
 *   Traceparent     00-trace-span-flags    trace-headers.ts
 * The first header present decides. The metric shows the headers that triggered it, and related ones.
 * Source: reference, accounts (behaviour); core §5.4.
 */

import type { Random } from "../../base/random/random.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { type MimeHeader, readMimeHeader } from "../../messaging/header/mime-header.ts";
import { isSampled } from "../../messaging/trace/start-trace.ts";
import { isSampledParent } from "../../messaging/trace/trace-headers.ts";
import type { LatencyOptions } from "../trade/trade-options.ts";

/** A measured request; `header` is null when it was chosen at random. */
export interface Sample {
  readonly header: Readonly<Record<string, readonly string[]>> | null;
}

const BY_CHANCE: Sample = { header: null };

/** @returns null when the request is not measured */
export function sampleRequest(latency: LatencyOptions, batch: MessageBatch, index: number, random: Random): Sample | null {
  const { sampling } = latency;
  if (sampling > 0 && isSampled(sampling, random)) return BY_CHANCE;
  const fields = batch.headerSize(index) > 0 ? readMimeHeader(batch.header(index)) : null;
  return fields === null ? null : sampleByHeader(fields);
}

export function sampleByHeader(fields: MimeHeader): Sample | null {
  const first = (key: string) => fields.get(key)?.[0];
  const uber = first("Uber-Trace-Id");
  if (uber !== undefined) {
    return isUberSampled(uber) ? pick(fields, key => key === "Uber-Trace-Id" || key.startsWith("Uberctx-")) : null;
  }
  const sampled = first("X-B3-Sampled");
  if (sampled === "0") return null;
  if (sampled === "1" || fields.has("X-B3-Traceid")) return pick(fields, key => ZIPKIN_KEYS.has(key));
  const b3 = first("B3");
  if (b3 !== undefined) {
    const parts = b3.split("-");
    const denied = parts.length > 2 ? parts[2] === "0" : b3 === "0";
    return denied ? null : pick(fields, key => key === "B3");
  }
  const parent = first("Traceparent");
  if (parent === undefined || !isSampledParent(parent)) return null;
  return pick(fields, key => key === "Traceparent" || key === "Tracestate");
}

const ZIPKIN_KEYS = new Set(["X-B3-Sampled", "X-B3-Traceid", "X-B3-Parentspanid", "X-B3-Spanid"]);

function isUberSampled(value: string): boolean {
  const parts = value.split(":");
  const flags = parts[3];
  return parts.length === 4 && /^[0-9a-fA-F]{1,2}$/.test(flags!) && (Number.parseInt(flags!, 16) & 1) === 1;
}

function pick(fields: MimeHeader, wanted: (key: string) => boolean): Sample {
  const keys = [...fields.keys()].filter(wanted).sort();
  return { header: Object.fromEntries(keys.map(key => [key, fields.get(key)!])) };
}
