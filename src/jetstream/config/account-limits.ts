/**
 * What an account may use of JetStream, per tier, and the checks of a stream's configuration against it and against the server.
 *
 *   limits:  "" ─▶ one tier for everything        or        R1 ─▶ …, R3 ─▶ …: the tier with the stream's number of replicas
 *   reserved by the other streams + this one's max_bytes ≤ limit of the account; the same for the server, counting one replica
 * Sums may exceed 2^53, so they are bigints, limited like Go's int64.
 * Source: jetstream §7.2.
 */
import { INT64_MAX } from "../../base/go/strconv.ts";
import { type ApiError, apiError } from "../error/api-error.ts";
import type { GivenStreamConfig, Integer } from "./stream-config.ts";

/** Limits of an account, or of one of its tiers. */
export interface JetStreamLimits {
  /** `max_memory`; -1: unlimited, as for all but the last three. */
  readonly memoryBytesMax: Integer;
  /** `max_storage` */
  readonly storageBytesMax: Integer;
  readonly streamsMax: Integer;
  readonly consumersMax: Integer;
  readonly ackPendingMax: Integer;
  /** `memory_max_stream_bytes`: of one stream; 0 and -1: unlimited. */
  readonly memoryStreamBytesMax: Integer;
  /** `storage_max_stream_bytes` */
  readonly storageStreamBytesMax: Integer;
  /** `max_bytes_required`: a stream must have `max_bytes`. */
  readonly streamBytesRequired: boolean;
}

export const UNLIMITED: JetStreamLimits = {
  memoryBytesMax: -1,
  storageBytesMax: -1,
  streamsMax: -1,
  consumersMax: -1,
  ackPendingMax: -1,
  memoryStreamBytesMax: -1,
  storageStreamBytesMax: -1,
  streamBytesRequired: false,
};

/** By tier: `""` alone, or `R1`, `R3` …; empty: nothing is allowed. */
export type TieredLimits = ReadonlyMap<string, JetStreamLimits>;

export interface SelectedLimits {
  readonly tier: string;
  readonly limits: JetStreamLimits;
}

/** What the server can give, in bytes, for one replica of each stream. `reserved` counts every stream of every account. */
export interface ServerReservations {
  readonly memoryBytesMax: Integer;
  readonly memoryReserved: Integer;
  readonly storageBytesMax: Integer;
  readonly storageReserved: Integer;
}

/** The part of a configuration that limits are about; it need not be valid. */
export type Footprint = Pick<GivenStreamConfig, "name" | "storage" | "replicas" | "bytesMax" | "consumersMax">;

/** @returns null: no tier fits */
export function selectLimits(tiers: TieredLimits, replicas: Integer): SelectedLimits | null {
  const common = tiers.get("");
  if (common !== undefined) return { tier: "", limits: common };
  const tier = `R${replicas === 0 ? 1 : replicas}`;
  const limits = tiers.get(tier);
  return limits === undefined ? null : { tier, limits };
}

/** Streams of the account that count toward a tier, without the one that is checked. */
export function streamsInTier(tier: string, checked: Footprint, streams: Iterable<Footprint>): number {
  let count = 0;
  for (const stream of streams) if (stream.name !== checked.name && isInTier(tier, checked, stream)) count++;
  return count;
}

/** Bytes that the other streams of the account have reserved in the same storage and tier. */
export function bytesReserved(tier: string, checked: Footprint, streams: Iterable<Footprint>): bigint {
  let sum = 0n;
  for (const stream of streams) {
    if (stream.name === checked.name || stream.storage !== checked.storage || !isInTier(tier, checked, stream)) continue;
    sum = saturated(sum + accountBytes(tier, stream.replicas, BigInt(stream.bytesMax)));
  }
  return sum;
}

/**
 * @param reserved what the account's streams reserve beside `added`
 * @param added bytes to reserve; negative counts as 1
 */
export function checkReservation(
  { tier, limits }: SelectedLimits,
  config: Footprint,
  reserved: bigint,
  added: bigint,
  server: ServerReservations,
): ApiError | null {
  const { consumersMax, storage, replicas } = config;
  if (consumersMax > 0 && limits.consumersMax > 0 && consumersMax > limits.consumersMax) return apiError("MaximumConsumersLimit");
  if (storage === "") return null;
  const onServer = added < 0n ? 1n : added;
  const inAccount = accountBytes(tier, replicas, onServer);
  const isMemory = storage === "memory";
  const accountMax = isMemory ? limits.memoryBytesMax : limits.storageBytesMax;
  const serverMax = isMemory ? server.memoryBytesMax : server.storageBytesMax;
  const serverReserved = isMemory ? server.memoryReserved : server.storageReserved;
  const isExceeded =
    (accountMax >= 0 && exceeds(reserved, inAccount, BigInt(accountMax))) || exceeds(BigInt(serverReserved), onServer, BigInt(serverMax));
  if (!isExceeded) return null;
  return apiError(isMemory ? "MemoryResourcesExceeded" : "StorageResourcesExceeded");
}

/** A tier of its own counts a stream once; the common one counts each replica. */
export function accountBytes(tier: string, replicas: Integer, bytes: bigint): bigint {
  if (bytes <= 0n) return 0n;
  return tier === "" && replicas > 1 ? saturated(bytes * BigInt(replicas)) : bytes;
}

export function saturated(bytes: bigint): bigint {
  return bytes > INT64_MAX ? INT64_MAX : bytes;
}

function exceeds(reserved: bigint, added: bigint, limit: bigint): boolean {
  return reserved > limit || added > limit - reserved;
}

function isInTier(tier: string, checked: Footprint, stream: Footprint): boolean {
  return tier === "" || replicasOf(checked) === replicasOf(stream);
}

function replicasOf({ replicas }: Footprint): Integer {
  return replicas < 1 ? 1 : replicas;
}
