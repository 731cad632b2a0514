/** Whether a server can give what the limits of an account reserve, beside the other accounts. Source: reference, jetstream.md §7.2. */
import type { TieredLimits } from "../config/account-limits.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import type { JetStreamAccount } from "./jetstream-account.ts";
import type { ServerUsage } from "./server-usage.ts";

/** Accounts and use of a server. */
interface Reserving {
  readonly accounts: ReadonlyMap<string, JetStreamAccount>;
  readonly usage: ServerUsage;
}

/**
 * @param name an account that has JetStream keeps what it has: only what it gets in addition must be free
 * @param storageIsProvisional the server's limit of storage is not known yet, and not checked
 */
export function reservationRefusal(
  { accounts, usage }: Reserving,
  name: string,
  limits: TieredLimits,
  storageIsProvisional: boolean,
): ApiError | null {
  const before = accounts.get(name)?.limits ?? NO_TIERS;
  let [memory, storage] = [0n, 0n];
  for (const { account, limits: reserved } of accounts.values()) {
    if (account.expired) continue;
    memory += sumOf(reserved, "memoryBytesMax");
    storage += sumOf(reserved, "storageBytesMax");
  }
  const exceeds = (kind: Kind, most: number | bigint, byStreams: number | bigint, byAccounts: bigint) => {
    const added = addedBytes(before, limits, kind);
    return BigInt(byStreams) + added > most || byAccounts + added > most;
  };
  if (exceeds("memoryBytesMax", usage.memoryBytesMax, usage.memoryReserved, memory)) return apiError("MemoryResourcesExceeded");
  if (storageIsProvisional) return null;
  if (exceeds("storageBytesMax", usage.storageBytesMax, usage.storageReserved, storage)) return apiError("StorageResourcesExceeded");
  return null;
}

type Kind = "memoryBytesMax" | "storageBytesMax";

const NO_TIERS: TieredLimits = new Map();

/** Unlimited tiers reserve nothing. */
function sumOf(limits: TieredLimits, kind: Kind): bigint {
  let sum = 0n;
  for (const tier of limits.values()) if (tier[kind] > 0) sum += BigInt(tier[kind]);
  return sum;
}

/** What tiers get in addition; a tier that gets less frees nothing for others of the same change. */
function addedBytes(before: TieredLimits, after: TieredLimits, kind: Kind): bigint {
  let sum = 0n;
  for (const [tier, limits] of after) {
    const added = BigInt(limits[kind]) - BigInt(before.get(tier)?.[kind] ?? 0);
    if (added > 0n) sum += added;
  }
  return sum;
}
