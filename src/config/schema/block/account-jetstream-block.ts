/** `jetstream` of an account: true, a word, or a block with limits. A block turns JetStream on. */

import { quoted } from "../../../base/go/strconv.ts";
import { type AccountJetStream, SINGLE_TIER, UNLIMITED_ACCOUNT } from "../../../jetstream/config/account-jetstream.ts";
import { type JetStreamLimits, UNLIMITED } from "../../../jetstream/config/account-limits.ts";
import { goShown, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { type Reader, reader, safeInteger } from "../row/reader.ts";
import type { Draft } from "./ocsp-block.ts";

interface AccountDraft {
  readonly tier: Draft<JetStreamLimits>;
  clusterTraffic: AccountJetStream["clusterTraffic"];
}

const parseableSize: Reader<number> = reader("size", ({ data }, { key }) => {
  if (typeof data !== "bigint") throw new ConfigFault(`Expected a parseable size for ${quoted(key)}, got ${goShown(data)}`);
  return safeInteger(data);
});

const parseableBoolean: Reader<boolean> = reader("boolean", ({ data }, { key }) => {
  if (typeof data !== "boolean") throw new ConfigFault(`Expected a parseable bool for ${quoted(key)}, got ${goShown(data)}`);
  return data;
});

const clusterTraffic: Reader<AccountJetStream["clusterTraffic"]> = reader("`system`, `owner`", ({ data }, { key }) => {
  if (typeof data !== "string") {
    throw new ConfigFault(`Expected either 'system' or 'owner' string value for ${quoted(key)}, got ${goShown(data)}`);
  }
  if (data === "owner") return "owner";
  if (data === "system" || data === "") return "system";
  throw new ConfigFault(`Expected 'system' or 'owner' string value for ${quoted(key)}, got ${data}`);
});

const limit = (names: string, text: string, put: (tier: Draft<JetStreamLimits>, most: number) => void) =>
  field<AccountDraft, number>(names, parseableSize, text, ({ tier }, most) => put(tier, most), { initial: "-1" });

export const ACCOUNT_JETSTREAM_FIELDS: readonly Field<AccountDraft>[] = [
  limit("max_memory max_mem mem memory", "bytes of all memory streams; 0: none", (tier, most) => (tier.memoryBytesMax = most)),
  limit("max_store max_file max_disk store disk", "bytes of all file streams; 0: none", (tier, most) => (tier.storageBytesMax = most)),
  limit("max_streams streams", "streams", (tier, most) => (tier.streamsMax = most)),
  limit("max_consumers consumers", "consumers of one stream", (tier, most) => (tier.consumersMax = most)),
  limit("mem_max_stream_bytes memory_max_stream_bytes", "largest `max_bytes` of a memory stream", (tier, most) => {
    tier.memoryStreamBytesMax = most;
  }),
  limit("disk_max_stream_bytes store_max_stream_bytes", "largest `max_bytes` of a file stream", (tier, most) => {
    tier.storageStreamBytesMax = most;
  }),
  limit("max_ack_pending", "unacknowledged messages of a consumer", (tier, most) => (tier.ackPendingMax = most)),
  field(
    "max_bytes_required max_stream_bytes max_bytes",
    parseableBoolean,
    "every stream must have `max_bytes`",
    ({ tier }, on) => (tier.streamBytesRequired = on),
    { initial: "false" },
  ),
  field(
    "cluster_traffic",
    clusterTraffic,
    "account of the traffic between servers; only in a cluster",
    (draft, whose) => (draft.clusterTraffic = whose),
    { initial: "system" },
  ),
];

/** null: the account has no JetStream. */
export const accountJetStream: Reader<AccountJetStream | null> = reader(
  "boolean, `enabled`, `disabled`, or block",
  ({ data }, { problems }) => {
    if (typeof data === "boolean") return data ? UNLIMITED_ACCOUNT : null;
    if (typeof data === "string") return isEnabled(data) ? UNLIMITED_ACCOUNT : null;
    if (!(data instanceof Map)) throw new ConfigFault(`Expected map, bool or string to define JetStream, got ${goTypeOf(data)}`);
    const draft: AccountDraft = { tier: { ...UNLIMITED }, clusterTraffic: "system" };
    readBlock(data, ACCOUNT_JETSTREAM_FIELDS, draft, problems);
    return { tiers: { [SINGLE_TIER]: draft.tier }, clusterTraffic: draft.clusterTraffic };
  },
);

/** Whether a word enables JetStream. @throws ConfigFault  the word is unknown */
export function isEnabled(word: string): boolean {
  const lower = word.toLowerCase();
  if (lower === "enabled" || lower === "enable") return true;
  if (lower === "disabled" || lower === "disable") return false;
  throw new ConfigFault(`Expected 'enabled' or 'disabled' for string value, got '${word}'`);
}
