/** Responses of OCSP responders about peers, kept: core §9.3.2. */
export interface OcspCacheOptions {
  readonly type: "none" | "local";
  /** Directory that gets `cache.json`. */
  readonly localStore: string;
  readonly preserveRevoked: boolean;
  readonly saveIntervalMs: number;
}

export const OCSP_CACHE_DEFAULTS: OcspCacheOptions = {
  type: "local",
  localStore: "_rc_",
  preserveRevoked: false,
  saveIntervalMs: 300_000,
};
