/** Settings of one connection that come from its listener and from its WebSocket request. */

/** Credentials from cookies, used for fields that are empty in CONNECT. */
export interface DefaultCredentials {
  readonly jwt: string;
  readonly user: string;
  readonly pass: string;
  readonly auth_token: string;
}

export interface ConnectionSettings {
  /** The client's address as a proxy reports it; empty: not reported. For logs only. */
  readonly forwardedFor: string;
  readonly defaultCredentials: DefaultCredentials;
  /** null: as for the server. */
  readonly authTimeoutMs: number | null;
  /** null: as for the server. */
  readonly pingIntervalMs: number | null;
}
