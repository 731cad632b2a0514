/**
 * What a service is told of a client that wants in: everything that the client said, secrets included, and how it is connected. Signed by
 * the server's own key, and meant for one attempt: `user_nkey` is fresh, and an answer must be about it.
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
  /** Whom it is for. */
  readonly subject: string;
  readonly server: AuthorizationServer;
  /** Whom the answer must be about, `U…`. */
  readonly userNkey: string;
  readonly expiresAtSeconds: number;
  readonly client: AuthenticationRequest;
  /** The claims that the client came with; null: none that count. */
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

function clientOf({ address, connect, id, nonce, transport }: AuthenticationRequest, user: UserClaims | null): AuthorizationClient {
  const shown = connect.jwt === "" ? "" : (user?.subject ?? "");
  return {
    host: address,
    id,
    user: connect.nkey || connect.user || shown || (connect.auth_token === "" ? "" : "[REDACTED]"),
    name: connect.name,
    tags: user?.nats.tags ?? [],
    nameTag: user?.name ?? "",
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

/** A peer's certificate is only asked for to be verified, so what there is has been. */
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
