import { expect, test } from "bun:test";
import { ACCOUNT, fixedSigner, OTHER_ACCOUNT, rawToken, USER } from "../../../test/doubles/token-maker.ts";
import { NkeyKind } from "../../base/keys/nkey.ts";
import type { ActivationBody, Claims, ClaimsData, Import, UserScope } from "./claims.ts";
import { JwtError } from "./claims.ts";
import { allowsConnectionType, connectionTypes } from "./connection-types.ts";
import { decodeUser } from "./decode.ts";
import type { Signer } from "./encode.ts";
import { encodeClaims, NO_LIMITS_SET, newClaims } from "./encode.ts";
import { accountOf, checkActivation, checkScopedSigner, isRevoked, withLimits } from "./trust.ts";
import { parseServerVersion } from "./validate-operator.ts";

const SIGNING = fixedSigner(NkeyKind.Account, 9);
const STRANGER = fixedSigner(NkeyKind.Account, 10);
const NOW_MS = 1_750_000_000_000;
const ISSUED = NOW_MS / 1000 - 100;

test("a revocation covers tokens issued up to its time, of one key or of all keys", () => {
  const revocations = new Map([
    ["U", 100],
    ["*", 50],
  ]);
  const rows: [key: string, issuedAt: number, revoked: boolean][] = [
    ["U", 100, true],
    ["U", 101, false],
    ["V", 50, true],
    ["V", 51, false],
    ["U", 50, true],
  ];
  for (const [key, issuedAt, revoked] of rows) expect(isRevoked(revocations, key, issuedAt), `${key} ${issuedAt}`).toBe(revoked);
  expect([
    isRevoked(new Map(), "U", 0),
    isRevoked(
      new Map([
        ["U", 200],
        ["*", 100],
      ]),
      "U",
      150,
    ),
  ]).toEqual([false, true]);
});

test("connection types are case-insensitive; unknown ones refuse a client only without known ones", () => {
  const mixed = connectionTypes(["websocket", "Carrier_Pigeon", "MQTT_ws", 'a"b']);
  expect(mixed).toEqual({ types: new Set(["WEBSOCKET", "MQTT_WS"]), error: 'invalid connection types ["CARRIER_PIGEON" "A\\"B"]' });
  expect([allowsConnectionType(mixed, "WEBSOCKET"), allowsConnectionType(mixed, "STANDARD")]).toEqual([true, false]);
  expect(allowsConnectionType(connectionTypes([]), "STANDARD")).toBe(true);
  expect(allowsConnectionType(connectionTypes(["PIGEON"]), "STANDARD")).toBe(false);
});

const scope: UserScope = {
  kind: "user_scope",
  key: SIGNING.publicKey,
  role: "reader",
  description: "",
  template: { ...newClaims("user", USER.publicKey).nats, bearerToken: true, subscribe: { allow: ["a"], deny: [] } },
};

function userBy(signer: Signer, nats: string): Claims {
  return decodeUser(rawToken(`{"iss":"${signer.publicKey}","sub":"${USER.publicKey}","nats":{"type":"user","version":2${nats}}}`, signer));
}

test("a user signed by a scoped key has no own permissions and limits", () => {
  checkScopedSigner(scope, userBy(SIGNING, ',"issuer_account":"x","tags":["a"],"pub":{},"subs":0'));
  const own = new JwtError("scoped users require no permissions or limits set");
  for (const field of [
    '"subs":-1',
    '"data":1',
    '"payload":1',
    '"src":[]',
    '"src":["::/0"]',
    '"times":[]',
    '"times_location":"UTC"',
    '"pub":{"allow":[]}',
    '"pub":{"deny":["a"]}',
    '"sub":{"allow":["a"]}',
    '"sub":{"deny":[]}',
    '"resp":{"max":0}',
    '"bearer_token":true',
    '"proxy_required":true',
    '"allowed_connection_types":["MQTT"]',
  ]) {
    expect(() => checkScopedSigner(scope, userBy(SIGNING, `,${field}`)), field).toThrow(own);
  }
  expect(() => checkScopedSigner(scope, userBy(ACCOUNT, ""))).toThrow(new JwtError("issuer not the scoped signer"));
  expect(() => checkScopedSigner(scope, newClaims("account", ACCOUNT.publicKey))).toThrow(
    new JwtError("not an user claim - scoped signing key requires user claim"),
  );
});

test("a scoped user has the scope's limits and keeps its identity", () => {
  const user = newClaims("user", USER.publicKey, { ...NO_LIMITS_SET, issuerAccount: ACCOUNT.publicKey, tags: ["a:b"] });
  const { subscribe, bearerToken, issuerAccount, tags } = withLimits(user, scope.template).nats;
  expect({ subscribe, bearerToken, tags }).toEqual({ subscribe: { allow: ["a"], deny: [] }, bearerToken: true, tags: ["a:b"] });
  expect(issuerAccount).toBe(ACCOUNT.publicKey);
});

test("a user belongs to its issuer account, or else to its issuer", () => {
  const user = newClaims("user", USER.publicKey);
  const named = newClaims("user", USER.publicKey, { issuerAccount: ACCOUNT.publicKey });
  expect([accountOf({ ...user, issuer: "A" }), accountOf({ ...named, issuer: "A" })]).toEqual(["A", ACCOUNT.publicKey]);
});

const EXPORTER = {
  name: OTHER_ACCOUNT.publicKey,
  signingKeys: new Map([
    [OTHER_ACCOUNT.publicKey, null],
    [SIGNING.publicKey, null],
  ]),
};
const IMPORT: Import = {
  name: "",
  subject: "events.a",
  account: OTHER_ACCOUNT.publicKey,
  token: "",
  to: "",
  localSubject: "",
  type: "stream",
  share: false,
  allowTrace: false,
};

function activation(body: Partial<ActivationBody>, data: Partial<ClaimsData> = {}, signer = OTHER_ACCOUNT): string {
  const claims = newClaims(
    "activation",
    data.subject ?? ACCOUNT.publicKey,
    { importSubject: "events.>", importKind: "stream", ...body },
    data,
  );
  return encodeClaims(claims, signer, ISSUED);
}

function check(token: string, revocations: ReadonlyMap<string, number> | null = new Map()) {
  const { active, expiresAtSeconds, foreignIssuer } = checkActivation(
    { ...IMPORT, token },
    ACCOUNT.publicKey,
    EXPORTER,
    revocations,
    NOW_MS,
  );
  return { active, expiresAtSeconds, foreign: foreignIssuer !== null };
}

test("an activation lets one account import one subject, until it expires or is revoked", () => {
  const active = { active: true, expiresAtSeconds: 0, foreign: false };
  const inactive = { active: false, expiresAtSeconds: 0, foreign: false };
  const now = NOW_MS / 1000;
  expect(check(activation({}))).toEqual(active);
  expect(check(activation({}, { expiresAtSeconds: now + 1 }))).toEqual({ ...active, expiresAtSeconds: now + 1 });
  expect(check(activation({ issuerAccount: OTHER_ACCOUNT.publicKey }, {}, SIGNING))).toEqual(active);
  const refused: Record<string, string> = {
    none: "",
    garbage: "eyJ.x.y",
    "another subject": activation({ importSubject: "other.>" }),
    "another kind": activation({ importKind: "service" }),
    "another account": activation({}, { subject: STRANGER.publicKey }),
    "signed by a stranger": activation({}, {}, STRANGER),
    "signed for the exporter by a stranger": activation({ issuerAccount: OTHER_ACCOUNT.publicKey }, {}, STRANGER),
    expired: activation({}, { expiresAtSeconds: now - 1 }),
    "in its last second": activation({}, { expiresAtSeconds: now }),
    "not yet valid": activation({}, { notBeforeSeconds: now + 1 }),
  };
  for (const [what, token] of Object.entries(refused)) expect(check(token), what).toEqual(inactive);
  expect(check(activation({ issuerAccount: STRANGER.publicKey }))).toEqual({ ...inactive, foreign: true });
  expect(check(activation({}), new Map([[ACCOUNT.publicKey, ISSUED]]))).toEqual(inactive);
  expect(check(activation({}), new Map([["*", ISSUED]]))).toEqual(inactive);
  expect(check(activation({}), new Map([["*", ISSUED - 1]]))).toEqual(active);
  expect(checkActivation({ ...IMPORT, token: activation({}), subject: "" }, ACCOUNT.publicKey, EXPORTER, null, NOW_MS).active).toBe(false);
});

test("an operator's asserted server version must have three numbers", () => {
  expect([parseServerVersion(""), parseServerVersion("2.10.3")]).toEqual([
    [0, 0, 0],
    [2, 10, 3],
  ]);
  expect(() => parseServerVersion("2.10")).toThrow(new JwtError("asserted server version must be of the form <major>.<minor>.<update>"));
  expect(() => parseServerVersion("2.x.1")).toThrow(new JwtError("asserted server version cant parse x to int"));
  expect(() => parseServerVersion("2.-1.1")).toThrow(new JwtError("asserted server version can'b contain negative values: 2.-1.1"));
});
