/**
 * Whether one account may use JetStream, and its limits (`account-limits.ts`), from the file, a program or the account's JWT.
 *
 *   jetstream { max_mem … }   one tier ""             every stream counts against it
 *   tiered_limits R1, R3      one tier per replicas   a stream counts against the tier of its number of replicas
 * The limits of a running account change while it runs: `changesOfLimits` says which accounts must follow.
 * Source: reference, jetstream.md §7.2, §7.5.
 */
import { isDeepStrictEqual } from "node:util";
import type { AccountLimits as ClaimedLimits, JetStreamLimits as ClaimedTier } from "../../access/jwt/claims.ts";
import { type JetStreamLimits, type TieredLimits, UNLIMITED } from "./account-limits.ts";
import type { Integer } from "./stream-config.ts";

/** The tier of an account without tiers. */
export const SINGLE_TIER = "";

/** JetStream of one account that may use it. */
export interface AccountJetStream {
  /** By name: `SINGLE_TIER` alone, or `R1`, `R3`, … */
  readonly tiers: Readonly<Record<string, JetStreamLimits>>;
  /** The account that carries the traffic between the servers of a cluster; without effect on a server alone. */
  readonly clusterTraffic: "system" | "owner";
}

export const UNLIMITED_ACCOUNT: AccountJetStream = { tiers: { [SINGLE_TIER]: UNLIMITED }, clusterTraffic: "system" };

/** The limits in the form that checks of streams need. */
export function tiersOf({ tiers }: AccountJetStream): TieredLimits {
  return new Map(Object.entries(tiers));
}

/** @returns null: the token gives the account no storage, so it has no JetStream */
export function jetStreamOfClaims(limits: ClaimedLimits, clusterTraffic: string): AccountJetStream | null {
  const tiers = limits.tiers.size > 0 ? limits.tiers : new Map([[SINGLE_TIER, limits]]);
  if (![...tiers.values()].some(({ memoryBytesMax, diskBytesMax }) => memoryBytesMax !== 0 || diskBytesMax !== 0)) return null;
  const used = limits.memoryBytesMax !== 0 || limits.diskBytesMax !== 0 ? new Map([[SINGLE_TIER, limits]]) : tiers;
  return {
    tiers: Object.fromEntries([...used].map(([name, tier]) => [name, tierOfClaims(tier)])),
    clusterTraffic: clusterTraffic === "owner" ? "owner" : "system",
  };
}

function tierOfClaims(claimed: ClaimedTier): JetStreamLimits {
  return {
    memoryBytesMax: claimed.memoryBytesMax,
    storageBytesMax: claimed.diskBytesMax,
    streamsMax: claimed.streamsMax,
    consumersMax: claimed.consumersMax,
    ackPendingMax: orUnlimited(claimed.ackPendingMax),
    memoryStreamBytesMax: orUnlimited(claimed.memoryStreamBytesMax),
    storageStreamBytesMax: orUnlimited(claimed.diskStreamBytesMax),
    streamBytesRequired: claimed.streamBytesRequired,
  };
}

/** In a token these limits may be 0 when they are not set. */
function orUnlimited(limit: number): number {
  return limit > 0 ? limit : -1;
}

/** An account whose limits differ. null: without JetStream. */
export interface LimitChange {
  readonly account: string;
  readonly before: AccountJetStream | null;
  readonly after: AccountJetStream | null;
}

/** @returns the accounts whose limits differ: those of `before` in their order, then new ones */
export function changesOfLimits(
  before: ReadonlyMap<string, AccountJetStream>,
  after: ReadonlyMap<string, AccountJetStream>,
): readonly LimitChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map(account => ({ account, before: before.get(account) ?? null, after: after.get(account) ?? null }))
    .filter(change => !isDeepStrictEqual(change.before, change.after));
}

/** Bytes that the limits of an account reserve on the server, summed over its tiers. */
export interface Reservation {
  readonly memoryBytes: number;
  readonly fileBytes: number;
}

export function reservationOf({ tiers }: AccountJetStream): Reservation {
  const sum = (limit: (tier: JetStreamLimits) => Integer) =>
    Object.values(tiers).reduce((total, tier) => total + Math.max(0, Number(limit(tier))), 0);
  return { memoryBytes: sum(tier => tier.memoryBytesMax), fileBytes: sum(tier => tier.storageBytesMax) };
}
