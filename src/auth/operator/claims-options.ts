/**
 * Converts an account's claims into account options.
 *
 *   claims ─▶ AccountOptions            32-bit limits as in the reference: -1 is no limit, other negative values allow nothing
 * Pure functions; unusable parts of claims are skipped by the code that applies them, not here.
 * Source: server/accounts.go, updateAccountClaimsWithRefresh, buildPermissionsFromJwt (behaviour).
 */

import type { AccountClaims, AllowDeny, Export, Import, NatsLimits, Permissions } from "../../access/jwt/claims.ts";
import type { PermissionOptions, SubjectPermissions } from "../../access/permission/permission-options.ts";
import type { AccountLimits, AccountOptions, TraceOptions } from "../../accounts/account/account-options.ts";
import type { AnyExport, AnyImport } from "../../accounts/trade/export-access.ts";
import type { ResponseType } from "../../accounts/trade/trade-options.ts";
import type { MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import { isValidPublishSubjectText } from "../../messaging/subject/subject-text.ts";

const LIMIT_MAX = 2 ** 31 - 1;
const NS_PER_MS = 1e6;

/** @returns -1: no limit */
export function limitOf(claimed: number): number {
  return claimed === -1 ? -1 : Math.max(0, Math.min(claimed, LIMIT_MAX));
}

/** Permissions of a user or a scope. */
export function userLimitsOf({ subscriptionsMax, payloadBytesMax }: NatsLimits): { subscriptionsMax: number; payloadBytesMax: number } {
  return { subscriptionsMax: limitOf(subscriptionsMax), payloadBytesMax: limitOf(payloadBytesMax) };
}

/** @returns null when they are empty */
export function permissionOptionsOf({ publish, subscribe, responses }: Permissions): PermissionOptions | null {
  const options: PermissionOptions = {
    publish: listsOf(publish),
    subscribe: listsOf(subscribe),
    responses: responses === null ? null : { messagesMax: responses.messagesMax, expiresMs: responses.expiresNanoseconds / NS_PER_MS },
  };
  return options.publish === null && options.subscribe === null && options.responses === null ? null : options;
}

function listsOf({ allow, deny }: AllowDeny): SubjectPermissions | null {
  if (allow.length === 0 && deny.length === 0) return null;
  return { allow: allow.length === 0 ? null : allow, deny: deny.length === 0 ? null : deny };
}

export function accountLimitsOf({ nats: { limits } }: AccountClaims): AccountLimits {
  return {
    connectionsMax: limitOf(limits.connectionsMax),
    leafNodesMax: limitOf(limits.leafNodesMax),
    subscriptionsMax: limitOf(limits.subscriptionsMax),
    payloadBytesMax: limitOf(limits.payloadBytesMax),
  };
}

/** Everything except exports, imports and mappings, which may be unusable individually. */
export function accountOptionsOf(claims: AccountClaims): AccountOptions {
  return {
    name: claims.subject,
    nkey: claims.subject,
    defaultPermissions: permissionOptionsOf(claims.nats.defaultPermissions),
    exports: [],
    imports: [],
    mappings: [],
    limits: accountLimitsOf(claims),
    trace: traceOf(claims),
  };
}

function traceOf({ nats: { trace } }: AccountClaims): TraceOptions | null {
  if (trace === null || !isValidPublishSubjectText(trace.destination)) return null;
  const { sampling } = trace;
  return { destination: trace.destination, sampling: sampling <= 0 || sampling > 100 ? 100 : sampling };
}

export function mappingsOf({ nats: { mappings } }: AccountClaims): MappingRule[] {
  return [...mappings].map(([source, destinations]) => ({
    source,
    destinations: destinations.map(({ subject, weight, cluster }) => ({ subject, weight: weight === 0 ? 100 : weight, cluster })),
  }));
}

/** null: unknown kind. */
export function exportOptionsOf(given: Export): AnyExport | null {
  const common = {
    subject: given.subject,
    accounts: null,
    tokenRequired: given.tokenRequired,
    accountTokenPosition: given.accountTokenPosition,
    revocations: Object.fromEntries(given.revocations),
  };
  if (given.type === "stream") return { kind: "stream", ...common };
  if (given.type !== "service") return null;
  const { latency } = given;
  return {
    kind: "service",
    ...common,
    responseType: responseTypeOf(given.responseType),
    responseThresholdMs: given.responseThresholdNanoseconds / NS_PER_MS,
    latency: latency === null ? null : { sampling: latency.sampling, subject: latency.results },
    allowTrace: given.allowTrace,
  };
}

function responseTypeOf(claimed: string): ResponseType {
  return claimed === "Stream" || claimed === "Chunked" ? claimed : "Singleton";
}

/** null: unknown kind. The older field `to` is a prefix for streams, and the exporter's subject for services. */
export function importOptionsOf({ account, allowTrace, localSubject, share, subject, to, token, type }: Import): AnyImport | null {
  if (type === "stream") {
    const local = localSubject !== "";
    return { kind: "stream", account, subject, to: local ? localSubject : "", prefix: local ? "" : to, allowTrace, token };
  }
  if (type !== "service") return null;
  if (localSubject !== "") return { kind: "service", account, subject, to: localSubject, share, token };
  return { kind: "service", account, subject: to === "" ? subject : to, to: to === "" ? "" : subject, share, token };
}

/** Whether the claims give the account any storage for streams. */
export function usesJetStream({ nats: { limits } }: AccountClaims): boolean {
  return [limits, ...limits.tiers.values()].some(({ memoryBytesMax, diskBytesMax }) => memoryBytesMax !== 0 || diskBytesMax !== 0);
}
