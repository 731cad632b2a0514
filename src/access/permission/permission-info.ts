import type { Permissions } from "./permissions.ts";

/**
 * `permissions` of USER.INFO, with the reference's fields in its order: both halves are always present, lists only when they hold
 * entries. The caller writes it with an encoder that escapes as Go's does.
 */
export interface PermissionInfo {
  publish: SubjectPermissionInfo;
  subscribe: SubjectPermissionInfo;
  responses?: ResponsePermissionInfo;
}

interface SubjectPermissionInfo {
  allow?: readonly string[];
  deny?: readonly string[];
}

interface ResponsePermissionInfo {
  max: number;
  /** Nanoseconds. */
  ttl: number;
}

const NS_PER_MS = 1_000_000;

/** A user without permissions: the field is omitted. */
export function permissionInfo({ lists, responses }: Permissions): PermissionInfo {
  return {
    publish: subjectInfo(lists.publishAllow, lists.publishDeny),
    subscribe: subjectInfo(lists.subscribeAllow, lists.subscribeDeny),
    ...(responses !== null && { responses: { max: responses.messagesMax, ttl: Math.round(responses.expiresMs * NS_PER_MS) } }),
  };
}

function subjectInfo(allow: readonly string[], deny: readonly string[]): SubjectPermissionInfo {
  return { ...(allow.length > 0 && { allow }), ...(deny.length > 0 && { deny }) };
}
