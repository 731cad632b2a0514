/** `imports [ ]`: streams and services imported from other accounts. */

import { NO_SERVICE_IMPORT, NO_STREAM_IMPORT, type TradeOptions } from "../../../accounts/trade/trade-options.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigMap, type ConfigValue, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, fieldTable, readBlock } from "../row/field.ts";
import { ConfigFault, type Problems } from "../row/problems.ts";
import { boolean, type Reader, reader, text } from "../row/reader.ts";

type Import = TradeOptions["imports"][number];

interface SourceDraft {
  account: string;
  subject: string;
}

interface ImportDraft {
  stream: SourceDraft | null;
  service: SourceDraft | null;
  to: string;
  prefix: string;
  share: boolean;
  allowTrace: boolean;
}

export const SOURCE_FIELDS: readonly Field<SourceDraft>[] = [
  field("account", text, "exporting account", (draft, account) => (draft.account = account)),
  field("subject", text, "exported subject, or a subset of it", (draft, subject) => (draft.subject = subject)),
];

const SOURCE_TABLE = fieldTable(SOURCE_FIELDS);

function sourceOf(what: "Stream" | "Service"): Reader<SourceDraft> {
  return reader("block", ({ data }, { problems }) => {
    if (!(data instanceof Map)) throw new ConfigFault(`${what} entry should be an account map, got ${goTypeOf(data)}`);
    const draft: SourceDraft = { account: "", subject: "" };
    readBlock(data, SOURCE_TABLE, draft, problems);
    if (draft.account === "" || draft.subject === "") throw new ConfigFault("Expect an account name and a subject");
    return draft;
  });
}

export const IMPORT_FIELDS: readonly Field<ImportDraft>[] = [
  field("stream", sourceOf("Stream"), "stream whose messages are imported", (draft, source) => (draft.stream = source), {
    fields: SOURCE_FIELDS,
  }),
  field("service", sourceOf("Service"), "requests reach it", (draft, source) => (draft.service = source), { fields: SOURCE_FIELDS }),
  field("to", text, "subject in this account", (draft, subject) => (draft.to = subject), { initial: "its subject" }),
  field("prefix", text, "prefix of the subject in this account, for a stream, instead of `to`", (draft, prefix) => (draft.prefix = prefix)),
  field("share", boolean, "the service receives information about the requester", (draft, on) => (draft.share = on), { initial: "false" }),
  field("allow_trace", boolean, "message traces of a stream continue in this account", (draft, on) => (draft.allowTrace = on), {
    initial: "false",
  }),
];

const IMPORT_TABLE = fieldTable(IMPORT_FIELDS);

export const importsList: Reader<TradeOptions["imports"]> = reader("list of blocks", ({ data }, { problems }) => {
  if (!Array.isArray(data)) throw new ConfigFault(`Imports should be an array, got ${goTypeOf(data)}`);
  const imports: Import[] = [];
  const services = new Map<string, Import>();
  for (const entry of data) {
    const read = importIn(entry, problems);
    if (read === null) continue;
    const fault = duplicateImport(services, read);
    if (fault === null) imports.push(read);
    else problems.error(entry, fault);
  }
  return imports;
});

/**
 * A service may be imported on one subject from several accounts, but only once from each.
 * @param services imports so far, by account and local subject; the new one is added
 * @returns the refusal, or null
 */
export function duplicateImport(services: Map<string, Import>, read: Import): string | null {
  if (read.kind === "stream") return null;
  const local = read.to || read.subject;
  const key = JSON.stringify([read.account, local]);
  const other = services.get(key);
  if (other === undefined) {
    services.set(key, read);
    return null;
  }
  const used = `previously used in import for account ${quoted(other.account)}, subject ${quoted(other.subject)}`;
  return `Duplicate service import subject ${quoted(local)}, ${used}`;
}

/** @returns null when the entry imports nothing or has errors */
function importIn(entry: ConfigValue, problems: Problems): Import | null {
  const { data } = entry;
  if (!(data instanceof Map)) {
    problems.error(entry, `Import Items should be a map with type entry, got ${goTypeOf(data)}`);
    return null;
  }
  const draft: ImportDraft = { stream: null, service: null, to: "", prefix: "", share: false, allowTrace: false };
  const before = problems.errors.length;
  readBlock(data, IMPORT_TABLE, draft, problems);
  if (problems.errors.length > before) return null;
  const fault = contradictionIn(data, draft);
  if (fault === null) return importOf(draft);
  problems.error(fault.at!, fault.message);
  return null;
}

/** The reference reports some of these only in a certain order of the fields. */
function contradictionIn(map: ConfigMap, { stream, service, to, prefix }: ImportDraft): ConfigFault | null {
  const given = (names: RegExp) => [...map].filter(([key]) => names.test(key));
  if (stream !== null && service !== null) {
    const [[earlier], [later, value]] = given(/^(stream|service)$/i) as [[string, ConfigValue], [string, ConfigValue]];
    return new ConfigFault(`Detected ${later.toLowerCase()} but already saw a ${earlier.toLowerCase()}`, value);
  }
  const trace = given(/^allow_trace$/i)[0];
  if (service !== null && trace !== undefined) return new ConfigFault("Detected allow_trace directive on a non-stream", trace[1]);
  if (stream === null || to === "" || prefix === "") return null;
  return new ConfigFault("Stream import can not have a 'prefix' and a 'to' property", given(/^to$/i)[0]![1]);
}

function importOf({ stream, service, to, prefix, share, allowTrace }: ImportDraft): Import | null {
  if (stream !== null) return { ...NO_STREAM_IMPORT, ...stream, to, prefix, allowTrace };
  return service === null ? null : { ...NO_SERVICE_IMPORT, ...service, to, share };
}
