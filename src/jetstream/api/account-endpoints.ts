/** `$JS.API.INFO`: what an account uses and may use; and requests that only a cluster can serve. Source: reference, jetstream §1.11, §7.1. */
import type { JetStreamAccount } from "../account/jetstream-account.ts";
import { selectLimits } from "../config/account-limits.ts";
import { apiError } from "../error/api-error.ts";
import { type AccountUsage, type AnswerKind, accountInfoValue, type TierUsage } from "./answers.ts";
import type { ApiRequest, Endpoint } from "./api-request.ts";

/** Requests that a server without a cluster refuses. */
const CLUSTER_ONLY: Readonly<Record<string, AnswerKind>> = {
  "STREAM.PEER.REMOVE.*": "streamRemovePeer",
  "STREAM.PEER.EVACUATE.*": "streamEvacuatePeer",
  "STREAM.CANCEL_MOVE.*": "streamCancelMove",
  "STREAM.LEADER.STEPDOWN.*": "streamStepDown",
  "CONSUMER.LEADER.STEPDOWN.*.*": "consumerStepDown",
  "CONSUMER.PEER.REMOVE.*.*": "consumerRemovePeer",
  "CONSUMER.PEER.EVACUATE.*.*": "consumerEvacuatePeer",
};

export const ACCOUNT_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  INFO: { kind: "accountInfo", changes: false, handle: request => accountInfoValue(usageOf(request)) },
  ...Object.fromEntries(
    Object.entries(CLUSTER_ONLY).map(([subject, kind]) => [
      subject,
      {
        kind,
        changes: true,
        handle: () => {
          throw apiError("ClusterRequired");
        },
      } satisfies Endpoint,
    ]),
  ),
};

function usageOf({ account, jetStream }: ApiRequest): AccountUsage {
  const common = account.limits.get("");
  const tiers = new Map<string, TierUsage>();
  if (common === undefined) for (const tier of account.limits.keys()) tiers.set(tier, tierUsage(account, tier));
  return {
    totals: common === undefined ? { ...tierUsage(account, null), limits: null } : tierUsage(account, null),
    domain: jetStream.domain,
    requests: account.requests,
    errors: account.errors,
    inFlight: 0,
    tiers,
  };
}

/** @param tier null: of the whole account */
function tierUsage(account: JetStreamAccount, tier: string | null): TierUsage {
  const used = tier === null ? account.used : account.usedIn(tier);
  const streams = [...account.streams.values()].filter(
    ({ config }) => tier === null || selectLimits(account.limits, config.replicas)?.tier === tier,
  );
  return {
    memoryBytes: used.memory,
    storageBytes: used.storage,
    memoryReserved: account.reserved("memory", tier),
    storageReserved: account.reserved("file", tier),
    streams: streams.length,
    consumers: 0,
    limits: account.limits.get(tier ?? "") ?? null,
  };
}
