/**
 * Who may connect. One user with a password, or one token, as the `authorization` option says; accounts, nkeys, JWT and callout
 * come with the auth room and plug in here.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Authorization } from "../config/options.ts";
import type { ConnectOptions } from "../protocol/connect-options.ts";
import type { PeerCertificate } from "../transport/tls-state.ts";

/** Who it is, for logs and monitoring; a token is never shown. Null: refused. */
export type Identity = { readonly user: string } | null;

/** A client that asks to be let in. */
export interface AuthenticationRequest {
  /** What its CONNECT said, secrets included. */
  readonly connect: ConnectOptions;
  /** The challenge that its INFO carried; empty unless the authenticator asked for one. */
  readonly nonce: string;
  /** Where it comes from; empty for an in-process connection. */
  readonly address: string;
  readonly port: number;
  /** What it showed in the TLS handshake, verified; null when it was not asked for one. */
  readonly certificate: PeerCertificate | null;
}

export interface Authenticator {
  /** INFO shall carry a nonce, for clients that sign it. */
  readonly usesNonce?: boolean;
  /** Nothing behind the client's CONNECT is looked at until this has settled. A rejection is a refusal. */
  authenticate(request: AuthenticationRequest): Identity | Promise<Identity>;
}

export class SingleUserAuthenticator implements Authenticator {
  private readonly authorization: Authorization;

  constructor(authorization: Authorization) {
    this.authorization = authorization;
  }

  authenticate({ connect }: AuthenticationRequest): Identity {
    const { user, password, token } = this.authorization;
    if (token !== undefined) return secretEquals(connect.auth_token, token) ? { user: "[REDACTED]" } : null;
    // Both are always compared, so that the time tells nothing about which was wrong.
    const userOk = secretEquals(connect.user, user ?? "");
    const passwordOk = secretEquals(connect.pass, password ?? "");
    return userOk && passwordOk ? { user: connect.user } : null;
  }
}

/** Compares in constant time, whatever the lengths. */
export function secretEquals(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
