import { expect, test } from "bun:test";
import { tlsWith } from "../../../test/doubles/auth-parts.ts";
import { ACCOUNT, fixedSigner, SERVER, USER } from "../../../test/doubles/token-maker.ts";
import { decodeAuthorizationRequest } from "../../access/jwt/decode.ts";
import { encodeClaims } from "../../access/jwt/encode.ts";
import { NkeyKind } from "../../base/keys/nkey.ts";
import { initialConnectOptions } from "../../wire/protocol/connect-options.ts";
import { type RequestFacts, requestClaims } from "./authorization-request.ts";

const server = { name: "s", host: "0.0.0.0", id: SERVER.publicKey, version: "2.15.3", cluster: "c", tags: ["t:1"], curveKey: "" };
const client = {
  connect: { ...initialConnectOptions(), user: "u", pass: "p", sig: "signature" },
  nonce: "ABCDEFGHIJKLMNO",
  address: "192.0.2.1",
  port: 4222,
  tls: null,
  connectionType: "WEBSOCKET" as const,
  transport: "websocket" as const,
  id: 7,
  startedAt: 0,
  timeoutMs: 2_000,
};
const facts: RequestFacts = {
  subject: ACCOUNT.publicKey,
  server,
  userNkey: USER.publicKey,
  expiresAtSeconds: 102,
  client,
  user: null,
};

test("a request describes the server, the client and what the client sent", () => {
  const claims = decodeAuthorizationRequest(encodeClaims(requestClaims(facts), SERVER, 100));
  const { audience, expiresAtSeconds, issuer, subject, nats } = claims;
  expect({ audience, expiresAtSeconds, issuer, subject }).toEqual({
    audience: "nats-authorization-request",
    expiresAtSeconds: 102,
    issuer: SERVER.publicKey,
    subject: ACCOUNT.publicKey,
  });
  expect(nats.server).toEqual(server);
  expect(nats.userNkey).toBe(USER.publicKey);
  expect(nats.client).toEqual({
    host: "192.0.2.1",
    id: 7,
    user: "u",
    name: "",
    tags: [],
    nameTag: "",
    kind: "Client",
    type: "websocket",
    mqttId: "",
    nonce: "ABCDEFGHIJKLMNO",
  });
  const connect = {
    jwt: "",
    nkey: "",
    signature: "signature",
    token: "",
    user: "u",
    password: "p",
    name: "",
    language: "",
    version: "",
    protocol: 0,
  };
  expect(nats.connect).toEqual(connect);
  expect(nats.tls).toBeNull();
});

test("a token is included but not used as a name; the nonce is included when it was signed", () => {
  const { nats } = requestClaims({ ...facts, client: { ...client, connect: { ...initialConnectOptions(), auth_token: "t0ken" } } });
  expect([nats.client.user, nats.client.nonce, nats.connect.token]).toEqual(["[REDACTED]", "", "t0ken"]);
});

test("without a chain only the verified certificate is included, as PEM in lines of 64 characters", () => {
  const raw = Uint8Array.from({ length: 100 }, (_, at) => at);
  const certificate = { raw, subject: "", name: raw, spkiSha256: "", certSha256: "", dnsNames: [], emails: [], uris: [] };
  for (const verifiedChains of [undefined, () => []]) {
    const tls = { ...tlsWith(certificate), ...(verifiedChains && { verifiedChains }) };
    const pem = requestClaims({ ...facts, client: { ...client, tls } }).nats.tls!.verifiedChains[0]![0]!;
    const lines = pem.split("\n");
    expect([lines[0], lines[1]!.length, lines.at(-2), lines.at(-1)]).toEqual([
      "-----BEGIN CERTIFICATE-----",
      64,
      "-----END CERTIFICATE-----",
      "",
    ]);
    expect(Buffer.from(lines.slice(1, -2).join(""), "base64")).toEqual(Buffer.from(raw));
  }
});

test("a client that sends no other name is described by the claims of its JWT", () => {
  const other = fixedSigner(NkeyKind.User, 9).publicKey;
  const user = { subject: other, name: "sentinel", nats: { tags: ["a:1"] } } as unknown as NonNullable<RequestFacts["user"]>;
  const { nats } = requestClaims({ ...facts, user, client: { ...client, connect: { ...initialConnectOptions(), jwt: "eyJ" } } });
  expect([nats.client.user, nats.client.nameTag, nats.client.tags, nats.connect.jwt]).toEqual([other, "sentinel", ["a:1"], "eyJ"]);
});
