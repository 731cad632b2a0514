/** What is different for a client because of the listener it came in by: WebSocket has settings of its own. */

/** Stands in for what CONNECT leaves empty. */
export interface StandInCredentials {
  readonly jwt: string;
  readonly user: string;
  readonly pass: string;
  readonly auth_token: string;
}

export interface Door {
  /** Whom a proxy says it speaks for; empty when nobody says so. For logs only. */
  readonly forwardedFor: string;
  readonly standIns: StandInCredentials;
  /** null: the server's. */
  readonly authTimeoutMs: number | null;
  /** null: the server's. */
  readonly pingIntervalMs: number | null;
}
