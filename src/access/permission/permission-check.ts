/** Checks the subjects in permissions. It runs for each user of a configuration, so valid subjects are checked without copies. */

import { quoted } from "../../base/go/strconv.ts";
import { isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import type { PermissionOptions, SubjectPermissions } from "./permission-options.ts";

/** @param queues whether entries may be `<subject> <queue>` @returns the reference's error text for the first invalid entry; null: all are valid */
export function subjectsFault(subjects: readonly string[], queues: boolean): string | null {
  for (const subject of subjects) {
    if (isValidSubjectText(subject)) continue;
    const [literal = "", queue, ...rest] = queues ? subject.trim().split(/\s+/) : [];
    if (queue === undefined || rest.length > 0) return `subject ${quoted(subject)} is not a valid subject`;
    if (!isValidSubjectText(literal)) return `subject ${quoted(literal)} is not a valid subject`;
    if (!isValidSubjectText(queue)) return `queue ${quoted(queue)} is not a valid queue`;
  }
  return null;
}

/** @returns the place and the error of the first invalid entry; null: all are valid */
export function permissionsFault({ publish, subscribe }: PermissionOptions): string | null {
  return halfFault("publish", publish, false) ?? halfFault("subscribe", subscribe, true);
}

function halfFault(half: string, subjects: SubjectPermissions | null, queues: boolean): string | null {
  for (const list of ["allow", "deny"] as const) {
    const fault = subjectsFault(subjects?.[list] ?? [], queues);
    if (fault !== null) return `${half} ${list}: ${fault}`;
  }
  return null;
}
