/** `jetstream` of an account: every field is recognized, and refused unless it is off or empty, because JetStream is not supported yet. */

import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigValue, goShown, goTypeOf } from "../../language/config-value.ts";
import { type Field, missingField, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";

const SIZES = [
  "max_memory max_mem mem memory",
  "max_store max_file max_disk store disk",
  "max_streams streams",
  "max_consumers consumers",
  "mem_max_stream_bytes memory_max_stream_bytes",
  "disk_max_stream_bytes store_max_stream_bytes",
  "max_ack_pending",
];

/** Values are checked as in the reference, so that an accepted file stays valid when JetStream is added. */
function checked(names: string, check: (value: ConfigValue, key: string) => void): Field<unknown> {
  return { ...missingField(names, "JetStream"), set: (_draft, value, { key }) => check(value, key) };
}

export const ACCOUNT_JETSTREAM_FIELDS: readonly Field<unknown>[] = [
  ...SIZES.map(names =>
    checked(names, ({ data }, key) => {
      if (typeof data !== "bigint") throw new ConfigFault(`Expected a parseable size for ${quoted(key)}, got ${goShown(data)}`);
    }),
  ),
  checked("max_bytes_required max_stream_bytes max_bytes", ({ data }, key) => {
    if (typeof data !== "boolean") throw new ConfigFault(`Expected a parseable bool for ${quoted(key)}, got ${goShown(data)}`);
  }),
  checked("cluster_traffic", ({ data }, key) => {
    if (typeof data !== "string") {
      throw new ConfigFault(`Expected either 'system' or 'owner' string value for ${quoted(key)}, got ${goShown(data)}`);
    }
    if (["system", "owner", ""].includes(data)) return;
    throw new ConfigFault(`Expected 'system' or 'owner' string value for ${quoted(key)}, got ${data}`);
  }),
];

export const accountJetStream: Field<unknown> = {
  ...missingField("jetstream", "JetStream"),
  set(_draft, { data }, { key, problems }) {
    const before = problems.errors.length;
    let enabled = true;
    if (typeof data === "boolean") enabled = data;
    else if (typeof data === "string") enabled = isEnabled(data);
    else if (data instanceof Map) readBlock(data, ACCOUNT_JETSTREAM_FIELDS, {}, problems);
    else throw new ConfigFault(`Expected map, bool or string to define JetStream, got ${goTypeOf(data)}`);
    if (enabled && problems.errors.length === before) throw new ConfigFault(`${quoted(key)} is not supported yet (JetStream)`);
  },
};

/** Whether a word enables JetStream. @throws ConfigFault  the word is unknown */
export function isEnabled(word: string): boolean {
  const lower = word.toLowerCase();
  if (lower === "enabled" || lower === "enable") return true;
  if (lower === "disabled" || lower === "disable") return false;
  throw new ConfigFault(`Expected 'enabled' or 'disabled' for string value, got '${word}'`);
}
