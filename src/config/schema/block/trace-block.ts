/** `msg_trace`: a subject, or `{ dest, sampling }`. */

import type { TraceOptions } from "../../../accounts/account/account-options.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isValidPublishSubjectText } from "../../../messaging/subject/subject-text.ts";
import { type ConfigData, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { type Reader, reader } from "../row/reader.ts";
import type { Draft } from "./ocsp-block.ts";

const ALL = 100;

function destinationIn(data: ConfigData, key: string): string {
  if (typeof data !== "string") throw new ConfigFault(`Field ${quoted(key)} should be a string, got ${goTypeOf(data)}`);
  const fault = traceDestinationFault(data);
  if (fault !== null) throw new ConfigFault(fault);
  return data;
}

export function traceDestinationFault(subject: string): string | null {
  return isValidPublishSubjectText(subject) ? null : `Trace destination ${quoted(subject)} is not valid`;
}

/** The spelling is the reference's. */
export function traceSamplingFault(sampling: number | bigint): string | null {
  if (sampling > 0 && sampling <= 100) return null;
  return `Ttrace destination sampling value ${sampling} is invalid, needs to be [1..100]`;
}

const sampling = reader<number>("1 to 100, or percentage", ({ data }, { key }) => {
  if (typeof data !== "bigint" && typeof data !== "string") {
    throw new ConfigFault(`Trace destination sampling field ${quoted(key)} should be an integer or a percentage, got ${goTypeOf(data)}`);
  }
  const digits = String(data).replace(/%$/, "");
  if (!/^[+-]?\d+$/.test(digits)) throw new ConfigFault(`Invalid trace destination sampling value ${quoted(String(data))}`);
  const fault = traceSamplingFault(BigInt(digits.replace("+", "")));
  if (fault !== null) throw new ConfigFault(fault);
  return Number(digits);
});

export const TRACE_FIELDS: readonly Field<Draft<TraceOptions>>[] = [
  field(
    "dest",
    reader("subject", ({ data }, { key }) => destinationIn(data, key)),
    "subject to which traces are published",
    (draft, destination) => (draft.destination = destination),
  ),
  field("sampling", sampling, "percentage of those messages", (draft, percent) => (draft.sampling = percent), { initial: "100" }),
];

/** @returns null without a destination */
export const traceReader: Reader<TraceOptions | null> = reader("subject or block", (value, { key, problems }) => {
  const { data } = value;
  if (typeof data === "string") return { destination: destinationIn(data, key), sampling: ALL };
  if (!(data instanceof Map)) {
    throw new ConfigFault(`Expected account message trace ${quoted(key)} to be a string or a map/struct, got ${goTypeOf(data)}`);
  }
  const draft: Draft<TraceOptions> = { destination: "", sampling: 0 };
  const before = problems.errors.length;
  const unknown = (field: string) => `Unknown field ${quoted(field)} parsing account message trace map/struct ${quoted(key)}`;
  readBlock(data, TRACE_FIELDS, draft, problems, unknown, true);
  if (problems.errors.length > before) return null;
  if (draft.destination !== "") return { destination: draft.destination, sampling: draft.sampling || ALL };
  if (draft.sampling > 0) problems.warnAt(value, "Trace destination sampling ignored since no destination was set");
  return null;
});
