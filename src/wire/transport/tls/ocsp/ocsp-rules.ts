/** Settings of `tls { ocsp_peer }` and `ocsp_cache`: core §9.3.2. */

export interface OcspPeerRules {
  /** Time limit per responder, ms; 0: the default. */
  readonly caTimeoutMs: number;
  readonly allowedClockSkewMs: number;
  /** Failed checks are logged, but the peer is accepted. */
  readonly warnOnly: boolean;
  readonly unknownIsGood: boolean;
  readonly allowWhenCaUnreachable: boolean;
  /** How long a response without NextUpdate is valid. */
  readonly cacheTtlWhenNextUpdateUnsetMs: number;
}

export const OCSP_PEER_DEFAULTS: OcspPeerRules = {
  caTimeoutMs: 2_000,
  allowedClockSkewMs: 30_000,
  warnOnly: false,
  unknownIsGood: false,
  allowWhenCaUnreachable: false,
  cacheTtlWhenNextUpdateUnsetMs: 3_600_000,
};

export interface OcspCacheRules {
  readonly type: "none" | "local";
  /** Directory of `cache.json`. */
  readonly localStore: string;
  readonly preserveRevoked: boolean;
  readonly saveIntervalMs: number;
}

export const OCSP_CACHE_DEFAULTS: OcspCacheRules = { type: "local", localStore: "_rc_", preserveRevoked: false, saveIntervalMs: 300_000 };

/** The part of a logger that OCSP uses. */
export interface OcspLog {
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  debug(text: string): void;
}
