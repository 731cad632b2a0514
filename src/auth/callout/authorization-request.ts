/**
 * Builds the request about a client: everything that the client sent, including secrets, and how it is connected. Signed by
 * the server's key and valid for one attempt: `user_nkey` is new each time, and the answer must name it.
 * Source: server/auth_callout.go (behaviour); core §4.9.
 */

import type {
  AuthorizationClient,
  AuthorizationConnect,
  AuthorizationRequestClaims,
  AuthorizationServer,
  AuthorizationTls,
  UserClaims,
} from "../../access/jwt/claims.ts";
import { newClaims } from "../../access/jwt/encode.ts";
import type { TlsState } from "../../wire/transport/tls-state.ts";
import type { AuthenticationRequest } from "../users/authenticator.ts";

/** The audience of every request. */
export const REQUEST_AUDIENCE = "nats-authorization-request";

export interface RequestFacts {
  /** The audience's public key. */
  readonly subject: string;
  readonly server: AuthorizationServer;
  /** Subject that the answer must have, `U…`. */
  readonly userNkey: string;
  readonly expiresAtSeconds: number;
  readonly client: AuthenticationRequest;
  /** The client's claims; null: none that are evaluated. */
  readonly user: UserClaims | null;
}

export function requestClaims({ client, expiresAtSeconds, server, subject, user, userNkey }: RequestFacts): AuthorizationRequestClaims {
  const body = {
    server,
    userNkey,
    client: clientOf(client, user),
    connect: connectOf(client),
    tls: client.tls === null ? null : tlsOf(client.tls),
  };
  return newClaims("authorization_request", subject, body, { audience: REQUEST_AUDIENCE, expiresAtSeconds });
}

function clientOf({ address, connect, id, nonce, tagged, transport }: AuthenticationRequest, user: UserClaims | null): AuthorizationClient {
  const shown = connect.jwt === "" ? "" : (user?.subject ?? "");
  return {
    host: address,
    id,
    user: connect.nkey || connect.user || shown || (connect.auth_token === "" ? "" : "[REDACTED]"),
    name: connect.name,
    tags: user?.nats.tags ?? tagged?.tags ?? [],
    nameTag: user?.name ?? tagged?.nameTag ?? "",
    kind: "Client",
    type: transport,
    mqttId: "",
    nonce: connect.sig === "" ? "" : nonce,
  };
}

function connectOf({ connect }: AuthenticationRequest): AuthorizationConnect {
  return {
    jwt: connect.jwt,
    nkey: connect.nkey,
    signature: connect.sig,
    token: connect.auth_token,
    user: connect.user,
    password: connect.pass,
    name: connect.name,
    language: connect.lang,
    version: connect.version,
    protocol: connect.protocol,
  };
}

/** Peer certificates are requested only for verification, so any certificate here is verified. */
function tlsOf({ cipherSuite, peerCertificates, verifiedChains, version }: TlsState): AuthorizationTls {
  const found = verifiedChains?.() ?? [];
  const chains = found.length > 0 ? found : peerCertificates.slice(0, 1).map(({ raw }) => [raw]);
  return { version, cipher: cipherSuite, certificates: [], verifiedChains: chains.map(chain => chain.map(pemOf)) };
}

const LINE_CHARACTERS = 64;

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(new RegExp(`.{1,${LINE_CHARACTERS}}`, "g")) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
