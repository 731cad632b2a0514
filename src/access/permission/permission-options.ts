/** What a user may do, as a configuration or a user's claims say it. Subjects as text; `Permissions` compiles them. */

/** null: that half says nothing. An empty list of `allow` allows nothing. */
export interface SubjectPermissions {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
}

/** Answers that a client may publish to the reply subjects it was sent. */
export interface ResponsePermission {
  /** Answers per reply subject; negative: any number. */
  readonly messagesMax: number;
  /** How long after the request, ms; negative: for ever. */
  readonly expiresMs: number;
}

export const RESPONSE_DEFAULTS: ResponsePermission = { messagesMax: 1, expiresMs: 120_000 };

export interface PermissionOptions {
  /** null: everything may be published. */
  readonly publish: SubjectPermissions | null;
  /** null: everything may be subscribed. An entry is a subject, or `<subject> <queue>`, where the queue may have wildcards. */
  readonly subscribe: SubjectPermissions | null;
  readonly responses: ResponsePermission | null;
}

/** How a client may be connected, by the reference's names. */
export { CONNECTION_TYPES, type ConnectionType } from "../jwt/connection-types.ts";
