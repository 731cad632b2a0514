/**
 * `exports [ ]`: streams and services that other accounts may import.
 *
 * The reference reports some contradictory fields only in a certain order of the fields; this reader reports them in any order.
 */

import {
  type LatencyOptions,
  NO_SERVICE_EXPORT,
  NO_STREAM_EXPORT,
  type ResponseType,
  type TradeOptions,
} from "../../../accounts/trade/trade-options.ts";
import { parseGoDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigMap, type ConfigValue, goShown, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, fieldTable, readBlock } from "../row/field.ts";
import { ConfigFault, type Problems } from "../row/problems.ts";
import { arrayIn, booleanIn, integer, millisecondsOf, notNegative, type Reader, reader, textIn } from "../row/reader.ts";

type Export = TradeOptions["exports"][number];

interface ExportDraft {
  stream: string | null;
  service: string | null;
  accounts: readonly string[] | null;
  tokenPosition: number;
  responseType: ResponseType;
  thresholdMs: number;
  latency: LatencyOptions | null;
  allowTrace: boolean;
  /** Service fields that were given, by their canonical names. */
  readonly seen: Map<string, ConfigValue>;
}

const RESPONSE_TYPES: Readonly<Record<string, ResponseType>> = {
  single: "Singleton",
  singleton: "Singleton",
  stream: "Stream",
  chunk: "Chunked",
  chunked: "Chunked",
};

export const BAD_SAMPLING = "bad sampling percentage, should be 1-100";

function subjectOf(what: "stream" | "service"): Reader<string> {
  return reader("subject", ({ data }) => {
    if (typeof data !== "string") throw new ConfigFault(`Expected ${what} name to be string, got ${goTypeOf(data)}`);
    return data;
  });
}

/** A field that only services have. It may be given once, under any of its names. */
function forServices<T>(
  names: string,
  type: string,
  read: (value: ConfigValue) => T,
  text: string,
  put: (draft: ExportDraft, value: T) => void,
  extra: { readonly repeated?: string; readonly initial?: string } = {},
): Field<ExportDraft> {
  const { repeated, initial = "" } = extra;
  const first = names.split(" ")[0]!;
  return {
    names: names.split(" "),
    type,
    initial,
    text,
    missing: null,
    set(draft, value) {
      const again = draft.seen.has(first);
      draft.seen.set(first, value);
      if (again && repeated !== undefined) throw new ConfigFault(repeated);
      put(draft, read(value));
    },
  };
}

function responseTypeIn({ data }: ConfigValue): ResponseType {
  if (typeof data !== "string") throw new ConfigFault(`Expected response type to be string, got ${goTypeOf(data)}`);
  const type = data.toLowerCase();
  if (!Object.hasOwn(RESPONSE_TYPES, type)) throw new ConfigFault(`Unknown response type: ${quoted(data)}`);
  return RESPONSE_TYPES[type]!;
}

function thresholdIn({ data }: ConfigValue): number {
  const expected = "Expected response threshold to be a parseable time duration, got";
  if (typeof data !== "string") throw new ConfigFault(`${expected} ${goTypeOf(data)}`);
  const nanoseconds = parseGoDuration(data);
  if (typeof nanoseconds === "string") throw new ConfigFault(`${expected} ${quoted(data)}`);
  return millisecondsOf(nanoseconds);
}

const ALL_REQUESTS = 100;
const BY_HEADERS = 0;

/** A subject, or `{ sampling, subject }` with these case-sensitive names. */
function latencyIn({ data }: ConfigValue): LatencyOptions {
  if (typeof data === "string") return { subject: data, sampling: ALL_REQUESTS };
  if (!(data instanceof Map)) throw new ConfigFault(`Expected latency entry to be a map/struct or string, got ${goTypeOf(data)}`);
  const given = data.get("sampling");
  const sampling = given === undefined ? ALL_REQUESTS : samplingIn(given);
  const subject = data.get("subject");
  if (subject === undefined) throw new ConfigFault("Latency subject required, but missing");
  if (typeof subject.data !== "string") throw new ConfigFault("Expected latency subject to be a string, got string", subject); // the reference's text
  return { sampling, subject: subject.data };
}

function samplingIn(value: ConfigValue): number {
  const { data } = value;
  if (typeof data !== "bigint" && typeof data !== "string") {
    throw new ConfigFault(`Expected latency sample to be a string or map/struct, got ${goTypeOf(data)}`, value);
  }
  if (typeof data === "string" && data.trim().toLowerCase() === "headers") return BY_HEADERS;
  const digits = String(data).replace(/%$/, "");
  if (!/^[+-]?\d+$/.test(digits)) {
    throw new ConfigFault(`Failed to parse latency sample: strconv.Atoi: parsing ${quoted(digits)}: invalid syntax`, value);
  }
  const sampling = Number(digits);
  if (sampling < 1 || sampling > 100) throw new ConfigFault(BAD_SAMPLING, value);
  return sampling;
}

const accountNames = reader<readonly string[]>("list of strings", value => arrayIn(value).map(textIn));

export const EXPORT_FIELDS: readonly Field<ExportDraft>[] = [
  field("stream", subjectOf("stream"), "subject of a stream that others may import", (draft, subject) => (draft.stream = subject)),
  field("service", subjectOf("service"), "subject of a service that others may import", (draft, subject) => (draft.service = subject)),
  field("accounts", accountNames, "accounts that may import it", (draft, names) => (draft.accounts = names.length === 0 ? null : names), {
    initial: "all",
  }),
  field(
    "account_token_position",
    notNegative(integer),
    "position, counted from 1, of the `*` in the subject that must be the importing account's name",
    (draft, position) => (draft.tokenPosition = position),
  ),
  forServices(
    "response response_type",
    "`single`, `singleton`, `stream`, `chunk`, `chunked`",
    responseTypeIn,
    "how many responses a service sends",
    (draft, type) => (draft.responseType = type),
    { repeated: "Duplicate response type definition", initial: "single" },
  ),
  forServices(
    "threshold response_threshold response_max_time response_time",
    "duration",
    thresholdIn,
    "longest time until a response",
    (draft, time) => (draft.thresholdMs = time),
    { repeated: "Duplicate response threshold detected", initial: "2m" },
  ),
  forServices(
    "latency",
    "subject, or `{ sampling, subject }`",
    latencyIn,
    "latency metrics of the service: their subject, and the percentage of requests, or `headers` for requests whose headers ask for it",
    (draft, latency) => (draft.latency = latency),
  ),
  forServices("allow_trace", "boolean", booleanIn, "message traces continue in this account", (draft, on) => (draft.allowTrace = on), {
    initial: "false",
  }),
];

const EXPORT_TABLE = fieldTable(EXPORT_FIELDS);

/** Refusals of a stream that has fields of services. */
const ONLY_SERVICES: Readonly<Record<string, string>> = {
  response: "Detected response directive on non-service",
  threshold: "Detected response directive on non-service",
  latency: "Detected latency directive on non-service",
  allow_trace: "Detected allow_trace directive on non-service",
};

export const exportsList: Reader<TradeOptions["exports"]> = reader("list of blocks", ({ data }, { problems }) => {
  if (!Array.isArray(data)) throw new ConfigFault(`Exports should be an array, got ${goTypeOf(data)}`);
  return data.flatMap(entry => exportIn(entry, problems));
});

function exportIn(entry: ConfigValue, problems: Problems): Export[] {
  const { data } = entry;
  if (!(data instanceof Map)) {
    problems.error(entry, `Export Items should be a map with type entry, got ${goTypeOf(data)}`);
    return [];
  }
  const draft: ExportDraft = {
    stream: null,
    service: null,
    accounts: null,
    tokenPosition: 0,
    responseType: "Singleton",
    thresholdMs: 0,
    latency: null,
    allowTrace: false,
    seen: new Map(),
  };
  readBlock(data, EXPORT_TABLE, draft, problems);
  if (draft.stream !== null && draft.service !== null) return refuseBoth(data, problems);
  if (draft.stream !== null) for (const [name, value] of draft.seen) problems.error(value, ONLY_SERVICES[name]!);
  return exportOf(draft);
}

/** The error is reported at the later field, as in the reference. */
function refuseBoth(map: ConfigMap, problems: Problems): [] {
  const [earlier, later] = [...map.keys()].filter(key => /^(stream|service)$/i.test(key)) as [string, string];
  const value = map.get(later)!;
  problems.error(value, `Detected ${later.toLowerCase()} ${quoted(goShown(value.data))} but already saw a ${earlier.toLowerCase()}`);
  return [];
}

/** An entry with neither stream nor service exports nothing, as in the reference. */
function exportOf({ stream, service, accounts, tokenPosition, ...draft }: ExportDraft): Export[] {
  const common = { accounts, accountTokenPosition: tokenPosition };
  if (stream !== null) return [{ ...NO_STREAM_EXPORT, ...common, subject: stream }];
  if (service === null) return [];
  const { responseType, thresholdMs, latency, allowTrace } = draft;
  return [{ ...NO_SERVICE_EXPORT, ...common, subject: service, responseType, responseThresholdMs: thresholdMs, latency, allowTrace }];
}
