import type { OcspCacheRules } from "../../wire/transport/tls/ocsp/ocsp-rules.ts";

export type OcspCacheOptions = OcspCacheRules;

export const OCSP_CACHE_DEFAULTS: OcspCacheOptions = {
  type: "local",
  localStore: "_rc_",
  preserveRevoked: false,
  saveIntervalMs: 300_000,
};
