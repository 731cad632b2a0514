/** The JSON of limits and permissions, of users and of accounts. */
import { embedded, field, flag, list, map, optional, type Rows, type Shape, structure, text } from "../../base/go/json-shape.ts";
import { JsonList, type JsonTree } from "../../base/go/json-tree.ts";
import { durationNs, int, int64, texts } from "./body-rows.ts";
import type {
  AccountLimits,
  AllowDeny,
  JetStreamLimits,
  NatsLimits,
  Permissions,
  ResponsePermission,
  TimeRange,
  UserLimits,
} from "./claims.ts";

/** A list, or one text with commas. */
const networks: Shape<readonly string[]> = {
  ...texts,
  read(tree, _previous, decoder) {
    if (tree === null) return texts.zero();
    if (isTexts(tree)) return decoder.nested(texts, tree);
    const joined = decoder.nested(text, tree);
    return [...new Set(joined.split(",").map(network => network.trim().toLowerCase()))].filter(network => network !== "");
  },
};

function isTexts(tree: JsonTree): boolean {
  return tree instanceof JsonList && tree.items.every(item => item === null || typeof item === "string");
}

export const NATS_LIMIT_ROWS: Rows<NatsLimits> = {
  subscriptionsMax: field("subs", int64),
  dataBytesMax: field("data", int64),
  payloadBytesMax: field("payload", int64),
};

const allowDeny = structure<AllowDeny>("jwt.Permission", { allow: field("allow", texts), deny: field("deny", texts) });

export const PERMISSION_ROWS: Rows<Permissions> = {
  publish: field("pub", allowDeny),
  subscribe: field("sub", allowDeny),
  responses: field(
    "resp",
    optional(
      structure<ResponsePermission>("jwt.ResponsePermission", {
        messagesMax: field("max", int, "always"),
        expiresNanoseconds: field("ttl", durationNs, "always"),
      }),
    ),
  ),
};

export const timeRanges = list(structure<TimeRange>("jwt.TimeRange", { start: field("start", text), end: field("end", text) }));

type SourceLimits = Pick<UserLimits, "sources" | "times" | "timesLocation">;
export const USER_LIMIT_ROWS: Rows<UserLimits> = {
  ...embedded<Permissions>("Permissions", PERMISSION_ROWS),
  ...embedded<SourceLimits>(
    "Limits",
    embedded<SourceLimits>("UserLimits", {
      sources: field("src", networks),
      times: field("times", timeRanges),
      timesLocation: field("times_location", text),
    }),
  ),
  ...embedded<NatsLimits>("Limits", embedded<NatsLimits>("NatsLimits", NATS_LIMIT_ROWS)),
  bearerToken: field("bearer_token", flag),
  proxyRequired: field("proxy_required", flag),
  allowedConnectionTypes: field("allowed_connection_types", texts),
};

const JETSTREAM_ROWS: Rows<JetStreamLimits> = {
  memoryBytesMax: field("mem_storage", int64),
  diskBytesMax: field("disk_storage", int64),
  streamsMax: field("streams", int64),
  consumersMax: field("consumer", int64),
  ackPendingMax: field("max_ack_pending", int64),
  memoryStreamBytesMax: field("mem_max_stream_bytes", int64),
  diskStreamBytesMax: field("disk_max_stream_bytes", int64),
  streamBytesRequired: field("max_bytes_required", flag),
};
const jetStreamLimits = structure<JetStreamLimits>("jwt.JetStreamLimits", JETSTREAM_ROWS);
/** JetStream limits of an account whose limits are set per tier. */
export const NO_JETSTREAM: JetStreamLimits = jetStreamLimits.zero();

type CountLimits = Omit<AccountLimits, keyof NatsLimits | keyof JetStreamLimits | "tiers">;
export const COUNT_LIMIT_ROWS: Rows<CountLimits> = {
  importsMax: field("imports", int64),
  exportsMax: field("exports", int64),
  wildcardExports: field("wildcards", flag),
  disallowBearer: field("disallow_bearer", flag),
  connectionsMax: field("conn", int64),
  leafNodesMax: field("leaf", int64),
};

export const ACCOUNT_LIMIT_ROWS: Rows<AccountLimits> = {
  ...embedded<NatsLimits>("NatsLimits", NATS_LIMIT_ROWS),
  ...embedded<CountLimits>("AccountLimits", COUNT_LIMIT_ROWS),
  ...embedded<JetStreamLimits>("JetStreamLimits", JETSTREAM_ROWS),
  tiers: field("tiered_limits", map(jetStreamLimits, "jwt.JetStreamTieredLimits")),
};
