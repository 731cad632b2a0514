/** The JSON of requests to an auth callout service, and of its answers. */
import { field, list, nearestUint, optional, structure, text } from "../../base/go/json-shape.ts";
import { BODY_ROWS, int, tags, texts } from "./body-rows.ts";
import type {
  AuthorizationClient,
  AuthorizationConnect,
  AuthorizationRequestBody,
  AuthorizationResponseBody,
  AuthorizationServer,
  AuthorizationTls,
} from "./claims.ts";

export const requestBody = structure<AuthorizationRequestBody>("jwt.AuthorizationRequest", {
  server: field(
    "server_id",
    structure<AuthorizationServer>("jwt.ServerID", {
      name: field("name", text, "always"),
      host: field("host", text, "always"),
      id: field("id", text, "always"),
      version: field("version", text),
      cluster: field("cluster", text),
      tags: field("tags", tags),
      curveKey: field("xkey", text),
    }),
  ),
  userNkey: field("user_nkey", text, "always"),
  client: field(
    "client_info",
    structure<AuthorizationClient>("jwt.ClientInformation", {
      host: field("host", text),
      id: field("id", nearestUint("uint64")),
      user: field("user", text),
      name: field("name", text),
      tags: field("tags", tags),
      nameTag: field("name_tag", text),
      kind: field("kind", text),
      type: field("type", text),
      mqttId: field("mqtt_id", text),
      nonce: field("nonce", text),
    }),
  ),
  connect: field(
    "connect_opts",
    structure<AuthorizationConnect>("jwt.ConnectOptions", {
      jwt: field("jwt", text),
      nkey: field("nkey", text),
      signature: field("sig", text),
      token: field("auth_token", text),
      user: field("user", text),
      password: field("pass", text),
      name: field("name", text),
      language: field("lang", text),
      version: field("version", text),
      protocol: field("protocol", int, "always"),
    }),
  ),
  tls: field(
    "client_tls",
    optional(
      structure<AuthorizationTls>("jwt.ClientTLS", {
        version: field("version", text),
        cipher: field("cipher", text),
        certificates: field("certs", texts),
        verifiedChains: field("verified_chains", list(texts)),
      }),
    ),
  ),
  requestNonce: field("request_nonce", text),
  ...BODY_ROWS,
});

export const responseBody = structure<AuthorizationResponseBody>("jwt.AuthorizationResponse", {
  jwt: field("jwt", text),
  error: field("error", text),
  issuerAccount: field("issuer_account", text),
  ...BODY_ROWS,
});
