/** Limits of clients, and the timeouts after which a client is closed. */

import { goDuration } from "../../../base/go/duration.ts";
import * as given from "../given/shape.ts";
import { option } from "../row/option-row.ts";
import { ConfigFault } from "../row/problems.ts";
import { duration, integer, integerIn, negated, notNegative, oneOf, reader, safeInteger, size, size32 } from "../row/reader.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const WRITE_TIMEOUT_POLICIES = ["default", "close", "retry"] as const;
export type WriteTimeoutPolicy = (typeof WRITE_TIMEOUT_POLICIES)[number];
export const WRITE_TIMEOUT_REFUSAL = "write_timeout must be 'default', 'close' or 'retry'";

/** 0 in the file means no connections at all; in the library it means the default. */
const connectionsMax = reader("integer", value => safeInteger(integerIn(value)) || -1);

const tokensMax = reader("integer", (value, { key }) => {
  const tokens = integerIn(value);
  if (tokens > 255n) throw new ConfigFault(`${key} value is too big`);
  if (tokens <= 0n) throw new ConfigFault(`${key} value can not be negative`);
  return Number(tokens);
});

/** Sizes travel as 32-bit integers. */
const PAYLOAD_BYTES_LIMIT = 2 ** 31 - 1;
const payloadFault = (bytes: number) =>
  bytes > PAYLOAD_BYTES_LIMIT ? `max_payload (${bytes}) cannot be higher than ${PAYLOAD_BYTES_LIMIT}` : null;

/** The reference's option means the opposite of ours. */
const opposite = (value: boolean) => String(!value);

export const LIMIT_OPTIONS = {
  controlLineBytesMax: option<number>({
    names: "max_control_line",
    reader: notNegative(size32),
    given: given.natural,
    initial: 4 * KIB,
    zeroIsDefault: true,
    text: "longest protocol line, bytes",
    reload: "live",
    goName: "MaxControlLine",
  }),
  payloadBytesMax: option<number>({
    names: "max_payload",
    reader: size32,
    given: given.integer,
    initial: MIB,
    zeroIsDefault: true,
    check: payloadFault,
    text: "largest message, headers included, bytes; not above max_pending; negative: no limit",
    reload: "live",
    goName: "MaxPayload",
  }),
  pendingBytesMax: option<number>({
    names: "max_pending",
    reader: size,
    given: given.integer,
    initial: 64 * MIB,
    zeroIsDefault: true,
    text: "bytes of pending output at which a client is closed",
    reload: "fixed",
    goName: "MaxPending",
  }),
  connectionsMax: option<number>({
    names: "max_connections max_conn",
    reader: connectionsMax,
    given: given.integer,
    initial: 65_536,
    zeroIsDefault: true,
    text: "maximum number of client connections; negative, or 0 in a file: no connections",
    reload: "live",
    goName: "MaxConn",
  }),
  subscriptionsMax: option<number>({
    names: "max_subscriptions max_subs",
    reader: integer,
    given: given.integer,
    initial: 0,
    text: "maximum subscriptions of a connection; 0: no limit",
    reload: "fixed",
    goName: "MaxSubs",
  }),
  subscriptionTokensMax: option<number>({
    names: "max_subscription_tokens max_sub_tokens",
    reader: tokensMax,
    given: given.natural,
    initial: 0,
    check: tokens => (tokens > 255 ? "max_subscription_tokens value is too big" : null),
    text: "maximum tokens of a subscribed subject, 1 to 255; 0: no limit",
    reload: "fixed",
    goName: "MaxSubTokens",
  }),
  pingIntervalMs: option<number>({
    names: "ping_interval",
    reader: notNegative(duration),
    given: given.natural,
    initial: 120_000,
    zeroIsDefault: true,
    initialText: "2m",
    text: "time between the server's PINGs",
    reload: "live",
    goName: "PingInterval",
  }),
  pingsOutMax: option<number>({
    names: "ping_max",
    reader: notNegative(integer),
    given: given.natural,
    initial: 2,
    zeroIsDefault: true,
    text: "unanswered PINGs before a connection is stale",
    reload: "live",
    goName: "MaxPingsOut",
  }),
  writeDeadlineMs: option<number>({
    names: "write_deadline",
    reader: notNegative(duration),
    given: given.natural,
    initial: 10_000,
    zeroIsDefault: true,
    initialText: "10s",
    text: "longest time to write a batch of output to the socket",
    reload: "live",
    goName: "WriteDeadline",
    shown: value => goDuration(value * 1e6),
  }),
  writeTimeout: option<WriteTimeoutPolicy>({
    names: "write_timeout",
    reader: oneOf(WRITE_TIMEOUT_POLICIES, WRITE_TIMEOUT_REFUSAL),
    initial: "default",
    check: policy => (WRITE_TIMEOUT_POLICIES.includes(policy) ? null : WRITE_TIMEOUT_REFUSAL),
    text: "what happens when the write deadline passes",
    reload: "fixed",
    goName: "WriteTimeout",
    shown: value => (value === "default" ? "" : value),
  }),
  closedClientsMax: option<number>({
    names: "max_closed_clients",
    reader: integer,
    given: given.integer,
    initial: 10_000,
    zeroIsDefault: true,
    text: "number of closed connections kept for /connz",
    reload: "fixed",
    goName: "MaxClosedClients",
  }),
  headers: option<boolean>({
    names: "no_header_support",
    reader: negated,
    initial: true,
    initialText: "false",
    text: "message headers; in a file `no_header_support: true` turns them off",
    reload: "fixed",
    goName: "NoHeaderSupport",
    shown: opposite,
  }),
  sublistCache: option<boolean>({
    names: "disable_sublist_cache no_sublist_cache",
    reader: negated,
    initial: true,
    initialText: "false",
    text: "cache the results of subject matching; in a file `disable_sublist_cache: true` turns that off",
    reload: "fixed",
    goName: "NoSublistCache",
    shown: opposite,
  }),
  fastProducerStall: option<boolean>({
    names: "no_fast_producer_stall",
    reader: negated,
    initial: true,
    initialText: "false",
    text: "pause a producer while a consumer is slow; in a file `no_fast_producer_stall: true` turns that off",
    reload: "live",
    goName: "NoFastProducerStall",
    shown: opposite,
  }),
};
