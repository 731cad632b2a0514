/** Fields of features that this server does not support yet: refused by name, unless the value is off or empty. */

import { quoted } from "../../../base/go/strconv.ts";
import { goTypeOf } from "../../language/config-value.ts";
import { isEnabled } from "../block/account-jetstream-block.ts";
import { type Field, missingField, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { booleanIn } from "../row/reader.ts";

/** The fields of `jetstream { }`; they are ignored while it is off. */
const JETSTREAM_NAMES = [
  "strict",
  "store_dir store storedir",
  "sync_interval sync",
  "max_memory_store max_mem_store max_mem",
  "max_file_store max_file",
  "domain",
  "enabled enable",
  "encryption_key key ek",
  "prev_encryption_key prev_key prev_ek",
  "cipher",
  "extension_hint",
  "limits",
  "tpm",
  "unique_tag",
  "max_outstanding_catchup",
  "max_buffered_size",
  "max_buffered_msgs",
  "request_queue_limit",
  "info_queue_limit",
  "meta_compact",
  "meta_compact_size",
  "meta_compact_sync",
  "max_concurrent_io",
];

interface JetStreamDraft {
  enabled: boolean;
}

const JETSTREAM_FIELDS: readonly Field<JetStreamDraft>[] = JETSTREAM_NAMES.map(names => ({
  ...missingField(names, "JetStream"),
  set(draft, value) {
    if (names.startsWith("enabled")) draft.enabled = booleanIn(value);
  },
}));

const jetstream: Field<unknown> = {
  ...missingField("jetstream", "JetStream"),
  fields: JETSTREAM_FIELDS,
  set(_draft, { data }, { key, problems }) {
    const draft: JetStreamDraft = { enabled: true };
    if (typeof data === "boolean") draft.enabled = data;
    else if (typeof data === "string") draft.enabled = isEnabled(data);
    else if (data instanceof Map) readBlock(data, JETSTREAM_FIELDS, draft, problems);
    else throw new ConfigFault(`Expected map, bool or string to define JetStream, got ${goTypeOf(data)}`);
    if (draft.enabled) throw new ConfigFault(`${quoted(key)} is not supported yet (JetStream)`);
  },
};

export const MISSING_FIELDS: readonly Field<unknown>[] = [
  missingField("gateway", "gateways"),
  missingField("leafnodes leaf", "leaf nodes"),
  missingField("mqtt", "MQTT"),
  jetstream,
  missingField("store_dir storedir", "JetStream"),
];

/** Names of a program's options: the names of the file without case and underscores, and `cluster`, whose name a file may set. */
const MISSING_OPTIONS: ReadonlyMap<string, string> = new Map([
  ...MISSING_FIELDS.flatMap(({ names, missing }) => names.map(name => [plainName(name), missing!] as const)),
  ["cluster", "clustering"],
]);

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

/** @returns the unsupported feature that an option of a program belongs to; null when there is none */
export function missingOption(name: string): string | null {
  return MISSING_OPTIONS.get(plainName(name)) ?? null;
}

/** Whether a program's value is empty, off, or `{ enabled: false }`. */
export function isOffOrEmptyValue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length === 0 || (value as { enabled?: unknown }).enabled === false;
  }
  return !value;
}
