/** What a `tls { ocsp_peer }` block and `ocsp_cache` ask for: core §9.3.2. */

export interface OcspPeerRules {
  /** Of one responder; 0: the default. */
  readonly caTimeoutMs: number;
  readonly allowedClockSkewMs: number;
  /** Nobody is refused. */
  readonly warnOnly: boolean;
  readonly unknownIsGood: boolean;
  readonly allowWhenCaUnreachable: boolean;
  /** How long a response without NextUpdate is good. */
  readonly cacheTtlWhenNextUpdateUnsetMs: number;
}

export interface OcspCacheRules {
  readonly type: "none" | "local";
  /** Directory of `cache.json`. */
  readonly localStore: string;
  readonly preserveRevoked: boolean;
  readonly saveIntervalMs: number;
}

/** What of a log is needed here. */
export interface OcspLog {
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  debug(text: string): void;
}
