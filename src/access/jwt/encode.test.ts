import { expect, test } from "bun:test";
import { ACCOUNT, OPERATOR, OTHER_ACCOUNT, SERVER, USER } from "../../../test/doubles/token-maker.ts";
import vectors from "../../../test/vectors/go-jwt.json";
import type { Claims } from "./claims.ts";
import { JwtError } from "./claims.ts";
import { decodeClaims, decodeGeneric } from "./decode.ts";
import type { Signer } from "./encode.ts";
import { encodeClaims, NO_LIMITS_SET, newClaims } from "./encode.ts";
import { hasEmptyPermissions } from "./trust.ts";

const signers = new Map([OPERATOR, ACCOUNT, OTHER_ACCOUNT, SERVER].map(signer => [signer.publicKey, signer]));
const ISSUED = 1_750_000_000;

test.each(vectors.issued.filter(one => !one.name.includes("first version")))(
  "$name: what Go issued is issued again byte for byte",
  ({ name, token }) => {
    const claims = name === "generic" ? decodeGeneric(token) : decodeClaims(token);
    expect(encodeClaims(claims, signers.get(claims.issuer)!, claims.issuedAtSeconds)).toBe(token);
  },
);

test.each(vectors.issued.filter(one => one.name.includes("first version")))(
  "$name: is decoded as a token of the second version",
  ({ token }) => {
    const claims = decodeClaims(token);
    const again = decodeClaims(encodeClaims(claims, signers.get(claims.issuer)!, claims.issuedAtSeconds));
    expect(again).toEqual({ ...claims, id: again.id, nats: { ...claims.nats, version: 2 } } as Claims);
  },
);

test("new claims equal Go's: users and accounts without limits, scoped users without fields", () => {
  const issued = (name: string) => vectors.issued.find(one => one.name === name)!.token;
  const account = decodeClaims(issued("account without limits"));
  expect(encodeClaims(newClaims("account", ACCOUNT.publicKey), OPERATOR, account.issuedAtSeconds)).toBe(issued("account without limits"));
  const user = decodeClaims(issued("user"));
  expect(encodeClaims(newClaims("user", USER.publicKey), ACCOUNT, user.issuedAtSeconds)).toBe(issued("user"));
  expect(hasEmptyPermissions(newClaims("user", USER.publicKey))).toBe(false);
  expect(hasEmptyPermissions(newClaims("user", USER.publicKey, NO_LIMITS_SET))).toBe(true);
});

test("issuing a token requires the right kinds of signer and subject", () => {
  const attempts: [claims: Claims, signer: Signer, error: string][] = [
    [newClaims("operator", ACCOUNT.publicKey), OPERATOR, "expected subject to be an operator public key"],
    [newClaims("account", USER.publicKey), OPERATOR, "expected subject to be account public key"],
    [newClaims("user", ACCOUNT.publicKey), ACCOUNT, "expected subject to be user public key"],
    [newClaims("activation", USER.publicKey), ACCOUNT, "expected subject to be an account"],
    [newClaims("generic", ""), ACCOUNT, "subject is not set"],
    [newClaims("operator", OPERATOR.publicKey), ACCOUNT, "unable to validate expected prefixes - [operator]"],
    [newClaims("account", ACCOUNT.publicKey), USER, "unable to validate expected prefixes - [account operator]"],
    [newClaims("user", USER.publicKey), OPERATOR, "unable to validate expected prefixes - [account]"],
    [newClaims("authorization_request", "x"), ACCOUNT, "unable to validate expected prefixes - [server]"],
    [newClaims("authorization_response", "x"), SERVER, "unable to validate expected prefixes - [account]"],
  ];
  for (const [claims, signer, error] of attempts) expect(() => encodeClaims(claims, signer, ISSUED), error).toThrow(new JwtError(error));
});

test("an encoded authorization request is decoded unchanged", () => {
  const claims = newClaims(
    "authorization_request",
    ACCOUNT.publicKey,
    { userNkey: USER.publicKey },
    { audience: "nats-authorization-request", expiresAtSeconds: ISSUED + 2 },
  );
  const back = decodeClaims(encodeClaims(claims, SERVER, ISSUED));
  expect(back).toEqual({
    ...claims,
    id: back.id,
    issuer: SERVER.publicKey,
    issuedAtSeconds: ISSUED,
    nats: { ...claims.nats, type: "authorization_request", version: 2 },
  });
  expect(back.id).toMatch(/^[A-Z2-7]{52}$/);
});

test("integers beyond 2^53 stay within 64 bits, and are refused beyond", () => {
  const account = newClaims("account", ACCOUNT.publicKey);
  const limits = { ...account.nats.limits, payloadBytesMax: 2 ** 63, dataBytesMax: 2 ** 60, subscriptionsMax: -(2 ** 63) };
  const token = encodeClaims({ ...account, nats: { ...account.nats, limits } }, OPERATOR, ISSUED);
  const json = Buffer.from(token.split(".")[1], "base64url").toString();
  expect(json).toContain('"subs":-9223372036854775808,"data":1152921504606846976,"payload":9223372036854775807');
  expect(decodeClaims(token)).toMatchObject({ nats: { limits } });
  const half = { ...account, nats: { ...account.nats, limits: { ...limits, payloadBytesMax: 0.5 } } };
  expect(() => encodeClaims(half, OPERATOR, ISSUED)).toThrow(JwtError);
});
