/** What nats-server has and this server does not yet: known by every name, refused by name, and passed when it asks for nothing. */
import { type Field, isNothing, missingField, readBlock } from "../block.ts";
import { quoted } from "../go-values.ts";
import { type ConfigValue, goTypeOf } from "../language/config-value.ts";
import { ConfigFault } from "../problems.ts";
import { booleanIn, textIn } from "../reader.ts";

const SYSTEM_ACCOUNT = "$SYS";
const ACCOUNTS = "accounts";
const OPERATORS = "operators and JWT";

/** The fields of `jetstream { }`, none of which counts while it is off. */
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

function isEnabled(word: string): boolean {
  const lower = word.toLowerCase();
  if (lower === "enabled" || lower === "enable") return true;
  if (lower === "disabled" || lower === "disable") return false;
  throw new ConfigFault(`Expected 'enabled' or 'disabled' for string value, got '${word}'`);
}

function namesSystemAccount(value: ConfigValue): boolean {
  if (typeof value.data !== "string") throw new ConfigFault("system account name must be a string");
  return isNothing(value) || textIn(value) === SYSTEM_ACCOUNT;
}

export const MISSING_FIELDS: readonly Field<unknown>[] = [
  missingField("accounts", ACCOUNTS),
  missingField("mappings maps", "subject mappings"),
  missingField("system_account system", "a system account of another name", namesSystemAccount),
  missingField("no_system_account no_system no_sys_acc", "a server without system account"),
  missingField("no_auth_user", "users"),
  missingField("default_sentinel", OPERATORS),
  missingField("operator operators root roots root_operator root_operators", OPERATORS),
  missingField("trusted_keys trusted", OPERATORS),
  missingField("resolver account_resolver accounts_resolver", OPERATORS),
  missingField("resolver_tls", OPERATORS),
  missingField("resolver_preload", OPERATORS),
  missingField("resolver_pinned_accounts", OPERATORS),
  missingField("proxies", "trusted proxies"),
  missingField("gateway", "gateways"),
  missingField("leafnodes leaf", "leaf nodes"),
  missingField("mqtt", "MQTT"),
  jetstream,
  missingField("store_dir storedir", "JetStream"),
];
