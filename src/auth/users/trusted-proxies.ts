/** Trusted proxies: they sign the nonce sent by the server. Source: core §4.10. */
import { decodeSignature, verifySignature } from "../../base/keys/nkey.ts";
import type { AuthenticationRequest } from "./authenticator.ts";

export class TrustedProxies {
  /** @param keys public nkeys */
  constructor(readonly keys: readonly string[]) {}

  /** @returns the proxy's key; empty without a signature or without trusted proxies; null when no trusted proxy made the signature */
  keyOf({ connect, debug, nonce, proxied }: AuthenticationRequest): string | null {
    const { proxy_sig } = connect;
    if (proxy_sig === "" || this.keys.length === 0) return "";
    const signature = /[+/=]/.test(proxy_sig) ? null : decodeSignature(proxy_sig); // only base64url is accepted
    if (signature === null) {
      debug?.("Proxy signature not valid base64");
      return null;
    }
    // The nonce is empty for clients that connected before a proxy was trusted.
    const key = nonce === "" ? null : (this.keys.find(one => verifySignature(one, nonce, signature)) ?? null);
    if (key !== null) proxied?.(key);
    return key;
  }
}
