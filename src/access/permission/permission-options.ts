/** Permissions of a user, as given in a configuration or in claims. Subjects are text; `Permissions` compiles them. */

/** null: the list is absent. An empty `allow` list allows nothing. */
export interface SubjectPermissions {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
}

/** Permission to answer reply subjects that were delivered to the client. */
export interface ResponsePermission {
  /** Answers per reply subject; negative: no limit. */
  readonly messagesMax: number;
  /** Time after the request, ms; negative: no limit. */
  readonly expiresMs: number;
}

export const RESPONSE_DEFAULTS: ResponsePermission = { messagesMax: 1, expiresMs: 120_000 };

export interface PermissionOptions {
  /** null: everything may be published. */
  readonly publish: SubjectPermissions | null;
  /** null: every subscription is allowed. An entry is a subject or `<subject> <queue>`; the queue may have wildcards. */
  readonly subscribe: SubjectPermissions | null;
  readonly responses: ResponsePermission | null;
}

/** Permissions as given by a program: every field is optional. */
export interface GivenPermissions {
  readonly publish?: Partial<SubjectPermissions> | null;
  readonly subscribe?: Partial<SubjectPermissions> | null;
  readonly responses?: Partial<ResponsePermission> | null;
}
