/** Fields of features that this server does not support yet: refused by name, unless the value is off or empty. */

import { quoted } from "../../../base/go/strconv.ts";
import type { ConfigValue } from "../../language/config-value.ts";
import { type Field, isOffOrEmpty, missingField, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { duration, integerIn, type ReadContext } from "../row/reader.ts";

/** Fields of a block that ask for nothing by themselves; the names that start the feature are listed first. */
interface InactiveBlock {
  readonly active: readonly string[];
  readonly others: readonly string[];
}

const LISTENER = ["listen", "port"];
const LEAF_NODES: InactiveBlock = {
  active: [...LISTENER, "remotes"],
  others: [
    "host net",
    "authorization",
    "tls",
    "advertise leafnode_advertise",
    "no_advertise",
    "reconnect reconnect_delay reconnect_interval",
    "dial_timeout",
    "min_version minimum_version",
    "compression",
    "isolate_leafnode_interest isolate",
    "write_deadline",
    "write_timeout",
    "ping_interval",
    "ping_max",
  ],
};
const GATEWAY: InactiveBlock = {
  active: [...LISTENER, "name", "gateways"],
  others: [
    "host net",
    "authorization",
    "tls",
    "advertise",
    "connect_retries",
    "connect_backoff",
    "reject_unknown_cluster reject_unknown",
    "write_deadline",
    "write_timeout",
    "ping_interval",
    "ping_max",
  ],
};
const MQTT: InactiveBlock = {
  active: LISTENER,
  others: [
    "host net",
    "tls",
    "authorization authentication",
    "no_auth_user",
    "ack_wait ackwait",
    "js_api_timeout api_timeout",
    "max_ack_pending max_pending max_inflight",
    "js_domain",
    "stream_replicas",
    "consumer_replicas",
    "consumer_memory_storage",
    "consumer_inactive_threshold consumer_auto_cleanup",
    "reject_qos2_publish",
    "downgrade_qos2_subscribe",
  ],
};

const DURATIONS: ReadonlySet<string> = new Set(["ping_interval", "write_deadline", "reconnect", "dial_timeout", "ack_wait"]);

interface BlockDraft {
  active: boolean;
}

/** A block of an unsupported feature. It is accepted while it neither listens nor connects, as a generated file may contain it empty. */
function missingBlock(names: string, feature: string, { active, others }: InactiveBlock): Field<unknown> {
  const fields: Field<BlockDraft>[] = [
    ...active.map(name => ({
      ...missingField(name, feature),
      set(draft: BlockDraft, value: ConfigValue) {
        if (!isOffOrEmpty(value)) draft.active = true;
      },
    })),
    ...others.map(name => ({
      ...missingField(name, feature),
      set(_draft: BlockDraft, value: ConfigValue, context: ReadContext) {
        if (DURATIONS.has(name.split(" ")[0]!)) duration.read(value, context);
        if (name === "ping_max") integerIn(value);
      },
    })),
  ];
  return {
    ...missingField(names, feature),
    fields,
    set(_draft, value, { key, problems }) {
      const refuse = () => new ConfigFault(`${quoted(key)} is not supported yet (${feature})`);
      if (isOffOrEmpty(value)) return;
      if (!(value.data instanceof Map)) throw refuse();
      const draft: BlockDraft = { active: false };
      readBlock(value.data, fields, draft, problems);
      if (draft.active) throw refuse();
    },
  };
}

export const MISSING_FIELDS: readonly Field<unknown>[] = [
  missingBlock("gateway", "gateways", GATEWAY),
  missingBlock("leafnodes leaf", "leaf nodes", LEAF_NODES),
  missingBlock("mqtt", "MQTT", MQTT),
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
