/**
 * An account's options without its users, from the `accounts` block or from claims. Names as in the reference's configuration. In limits
 * -1 means no limit.
 */
import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import type { TradeOptions } from "../trade/trade-options.ts";

export interface AccountLimits {
  readonly connectionsMax: number;
  readonly leafNodesMax: number;
  readonly subscriptionsMax: number;
  readonly payloadBytesMax: number;
}

export const NO_LIMITS: AccountLimits = { connectionsMax: -1, leafNodesMax: -1, subscriptionsMax: -1, payloadBytesMax: -1 };

/** Tracing of messages with a `traceparent` header. */
export interface TraceOptions {
  readonly destination: string;
  /** Percent of these messages that are traced, 1 to 100. */
  readonly sampling: number;
}

export interface AccountOptions extends TradeOptions {
  /** Public account nkey; empty: none. */
  readonly nkey: string;
  /** For users without permissions of their own. */
  readonly defaultPermissions: PermissionOptions | null;
  readonly mappings: readonly MappingRule[];
  readonly limits: AccountLimits;
  readonly trace: TraceOptions | null;
}

export function emptyAccount(name: string): AccountOptions {
  return { name, nkey: "", defaultPermissions: null, exports: [], imports: [], mappings: [], limits: NO_LIMITS, trace: null };
}
