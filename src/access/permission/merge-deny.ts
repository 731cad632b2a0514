import type { PermissionOptions, SubjectPermissions } from "./permission-options.ts";
import { joinSubjectQueue, splitSubjectQueue } from "./subject-queue.ts";

/** Denials that the server adds to a user's permissions. */
export interface DenyLists {
  readonly publish: readonly string[];
  /** Entries may name a queue. */
  readonly subscribe: readonly string[];
}

/**
 * Adds denials to permissions. Entries that are already denied, and invalid entries, add nothing.
 * @param options null: everything is allowed. Not modified
 * @returns the same object when nothing is added
 */
export function mergeDeny(options: PermissionOptions, deny: DenyLists): PermissionOptions;
export function mergeDeny(options: PermissionOptions | null, deny: DenyLists): PermissionOptions | null;
export function mergeDeny(options: PermissionOptions | null, deny: DenyLists): PermissionOptions | null {
  const publish = added(options?.publish?.deny ?? [], deny.publish, false);
  const subscribe = added(options?.subscribe?.deny ?? [], deny.subscribe, true);
  if (publish.length === 0 && subscribe.length === 0) return options;
  return {
    publish: withDenied(options?.publish ?? null, publish),
    subscribe: withDenied(options?.subscribe ?? null, subscribe),
    responses: options?.responses ?? null,
  };
}

function added(present: readonly string[], more: readonly string[], allowQueue: boolean): string[] {
  const known = new Set(present.map(entry => normalized(entry, allowQueue)));
  const news: string[] = [];
  for (const entry of more) {
    const text = normalized(entry, allowQueue);
    if (text === null || known.has(text)) continue;
    known.add(text);
    news.push(text);
  }
  return news;
}

function normalized(entry: string, allowQueue: boolean): string | null {
  const split = splitSubjectQueue(entry);
  if (split === null) return null;
  return allowQueue ? joinSubjectQueue(split) : split.subject;
}

function withDenied(permissions: SubjectPermissions | null, denied: readonly string[]): SubjectPermissions | null {
  if (denied.length === 0) return permissions;
  return { allow: permissions?.allow ?? null, deny: [...(permissions?.deny ?? []), ...denied] };
}
