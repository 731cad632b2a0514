import type { PermissionOptions, ResponsePermission, SubjectPermissions } from "../config/permission-options.ts";

/** Whether two sets of permissions say the same: a reload or a new claim that changes nothing shall cost nothing. */
export function samePermissions(a: PermissionOptions | null, b: PermissionOptions | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a === b || (sameSubjects(a.publish, b.publish) && sameSubjects(a.subscribe, b.subscribe) && sameResponses(a.responses, b.responses))
  );
}

export function sameResponses(a: ResponsePermission | null, b: ResponsePermission | null): boolean {
  if (a === null || b === null) return a === b;
  return a.messagesMax === b.messagesMax && a.expiresMs === b.expiresMs;
}

function sameSubjects(a: SubjectPermissions | null, b: SubjectPermissions | null): boolean {
  if (a === null || b === null) return a === b;
  return sameList(a.allow, b.allow) && sameList(a.deny, b.deny);
}

/** Order counts, and an empty list is not the same as none. */
function sameList(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((entry, index) => entry === b[index]);
}
