/** What differs for clients of a listener with settings of its own, as WebSocket has. */

/** Used for fields that CONNECT leaves empty. */
export interface StandInCredentials {
  readonly jwt: string;
  readonly user: string;
  readonly pass: string;
  readonly auth_token: string;
}

export interface Door {
  /** The client's address as a proxy reports it; empty: not reported. For logs only. */
  readonly forwardedFor: string;
  readonly standIns: StandInCredentials;
  /** null: as for the server. */
  readonly authTimeoutMs: number | null;
  /** null: as for the server. */
  readonly pingIntervalMs: number | null;
}
