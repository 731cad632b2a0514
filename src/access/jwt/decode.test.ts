import { expect, test } from "bun:test";
import { ACCOUNT, OPERATOR, rawToken, SERVER, USER } from "../../../test/doubles/token-maker.ts";
import vectors from "../../../test/vectors/go-jwt.json";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { claimsJson } from "./claim-shapes.ts";
import { JwtError } from "./claims.ts";
import {
  decodeAccount,
  decodeActivation,
  decodeAuthorizationRequest,
  decodeAuthorizationResponse,
  decodeClaims,
  decodeGeneric,
  decodeOperator,
  decodeUser,
  TOKEN_BYTES_MAX,
} from "./decode.ts";
import { newClaims } from "./encode.ts";
import { hasEmptyPermissions } from "./trust.ts";
import { validateClaims } from "./validate-claims.ts";

/** What Go's library made of a token. */
interface Vector {
  readonly name: string;
  readonly token: string;
  readonly claims?: unknown;
  readonly error?: string;
  /** E: blocks, T: a time check, W: neither. */
  readonly issues?: readonly string[];
  readonly emptyPermissions?: boolean;
  readonly generic?: unknown;
  readonly genericError?: string;
}
const decoded: readonly Vector[] = vectors.decoded;
const NOW_MS = 1_750_000_000_000;

const USER_JSON = `{"iss":"${ACCOUNT.publicKey}","sub":"${USER.publicKey}","nats":{"type":"user","version":2}}`;

function errorOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(JwtError);
    return (error as Error).message;
  }
  return "";
}

test.each(decoded.filter(vector => vector.claims !== undefined))("$name: claims, issues and what follows are Go's", vector => {
  const claims = decodeClaims(vector.token);
  expect(JSON.parse(compactGoJson(claimsJson(claims)))).toEqual(vector.claims);
  const issues = validateClaims(claims, NOW_MS).issues.map(
    issue => `${issue.timeCheck ? "T" : issue.blocking ? "E" : "W"} ${issue.description}`,
  );
  expect(issues.toSorted()).toEqual([...(vector.issues ?? [])].sort()); // Go's own order is that of a map, for some
  expect(claims.kind === "user" && hasEmptyPermissions(claims)).toBe(vector.emptyPermissions ?? false);
});

test.each(decoded.filter(vector => vector.error !== undefined))("$name: refused as Go refuses", vector => {
  expect(errorOf(() => decodeClaims(vector.token))).toBe(vector.error!);
});

test.each(decoded.filter(vector => vector.generic !== undefined || vector.genericError !== undefined))(
  "$name: generic claims are Go's",
  vector => {
    if (vector.genericError !== undefined) {
      expect(errorOf(() => decodeGeneric(vector.token))).toBe(vector.genericError!);
    } else expect(JSON.parse(compactGoJson(claimsJson(decodeGeneric(vector.token))))).toEqual(vector.generic);
  },
);

test("claims of another kind than asked for are refused with the library's text", () => {
  const user = rawToken(USER_JSON, ACCOUNT);
  expect(
    [decodeOperator, decodeAccount, decodeActivation, decodeAuthorizationRequest, decodeAuthorizationResponse].map(one =>
      errorOf(() => one(user)),
    ),
  ).toEqual([
    "not operator claim",
    "not account claim",
    "not activation claim",
    "not an authorization request claim",
    "not an authorization request claim",
  ]);
  const operator = rawToken(`{"iss":"${OPERATOR.publicKey}","sub":"x","nats":{"type":"operator","version":2}}`, OPERATOR);
  expect(errorOf(() => decodeUser(operator))).toBe("not user claim");
  expect(decodeUser(user)).toEqual({
    ...newClaims("user", USER.publicKey, { subscriptionsMax: 0, dataBytesMax: 0, payloadBytesMax: 0, type: "user", version: 2 }),
    issuer: ACCOUNT.publicKey,
  });
});

test("a token of 1 MiB is accepted, a longer one is refused", () => {
  const padded = (size: number) => rawToken(USER_JSON.padEnd(size), ACCOUNT);
  const perByte = (TOKEN_BYTES_MAX - padded(0).length) * 0.75 + USER_JSON.length;
  const largest = padded(Math.floor(perByte));
  expect(largest.length).toBeWithin(TOKEN_BYTES_MAX - 3, TOKEN_BYTES_MAX + 1);
  expect(decodeUser(largest).subject).toBe(USER.publicKey);
  const tooLong = padded(Math.floor(perByte) + 4);
  expect(errorOf(() => decodeUser(tooLong))).toBe(`token size ${tooLong.length} exceeds maximum of 1048576 bytes: token too large`);
  expect(decodeGeneric(tooLong).subject).toBe(USER.publicKey); // as the library, which leaves these to the payload's limit
  expect(errorOf(() => decodeClaims("é".repeat(TOKEN_BYTES_MAX / 2 + 1)))).toStartWith("token size 1048578 exceeds");
});

test("as in Go, 10,000 levels of nesting are accepted and more are refused, without exhausting the stack", () => {
  const nested = (levels: number) => USER_JSON.replace('"sub"', `"x":${"[".repeat(levels)}${"]".repeat(levels)},"sub"`);
  expect(decodeUser(rawToken(nested(9_999), ACCOUNT)).subject).toBe(USER.publicKey);
  expect(errorOf(() => decodeUser(rawToken(nested(10_000), ACCOUNT)))).toBe("invalid character '[' exceeded max depth");
  expect(errorOf(() => decodeUser(rawToken('{"a":'.repeat(100_000), ACCOUNT)))).toBe("invalid character '{' exceeded max depth");
  const inBody = USER_JSON.replace('"user"', `"free","x":${'{"y":['.repeat(4_990)}${"]}".repeat(4_990)}`);
  expect(decodeGeneric(rawToken(inBody, ACCOUNT)).nats).toContainKeys(["x", "type"]);
  const inScope = `{"iss":"${OPERATOR.publicKey}","sub":"x","nats":{"type":"account","version":2,"signing_keys":[{"kind":"user_scope","key":"k","x":${"[".repeat(9_990)}${"]".repeat(9_990)}}]}}`;
  expect([...decodeAccount(rawToken(inScope, OPERATOR)).nats.signingKeys.keys()]).toEqual(["k"]);
});

test("invalid UTF-8 becomes a replacement character, and a byte order mark is invalid JSON", () => {
  const [before, behind] = USER_JSON.replace('"sub"', '"name":"|","sub"').split("|");
  const bytes = Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0x41]), Buffer.from(behind)]);
  expect(decodeUser(rawToken(bytes, ACCOUNT)).name).toBe("\ufffdA");
  expect(errorOf(() => decodeUser(rawToken(`\ufeff${USER_JSON}`, ACCOUNT)))).toStartWith("invalid character");
});

test("members named like JavaScript's object properties are ordinary members", () => {
  const json = USER_JSON.replace('"sub"', '"__proto__":{"sub":"evil"},"constructor":1,"sub"').replace(
    '"user"',
    '"free","__proto__":{"accounts":["x"]}',
  );
  const claims = decodeGeneric(rawToken(json, ACCOUNT));
  expect([claims.subject, Object.keys(claims.nats!), claims.nats!.accounts]).toEqual([
    USER.publicKey,
    ["type", "__proto__", "version"],
    undefined,
  ]);
  const account = `{"iss":"${OPERATOR.publicKey}","sub":"x","nats":{"type":"account","version":2,"revocations":{"__proto__":5}}}`;
  expect([...decodeAccount(rawToken(account, OPERATOR)).nats.revocations]).toEqual([["__proto__", 5]]);
});

test("tiers replace the untiered JetStream limits, and a trace without sampling traces all messages", () => {
  const json = `{"iss":"${OPERATOR.publicKey}","sub":"x","nats":{"type":"account","version":2,"trace":{"dest":"t"},"limits":{"conn":4,"mem_storage":1,"streams":2,"max_bytes_required":true,"tiered_limits":{"R1":{"mem_storage":9}}}}}`;
  const { limits, trace } = decodeAccount(rawToken(json, OPERATOR)).nats;
  expect([limits.connectionsMax, limits.memoryBytesMax, limits.streamsMax, limits.streamBytesRequired]).toEqual([4, 0, 0, false]);
  expect(limits.tiers.get("R1")?.memoryBytesMax).toBe(9);
  expect(trace).toEqual({ destination: "t", sampling: 100 });
});

test("only a server key may sign an authorization request", () => {
  const json = (signer: { publicKey: string }) =>
    `{"iss":"${signer.publicKey}","sub":"x","nats":{"type":"authorization_request","version":2}}`;
  expect(decodeAuthorizationRequest(rawToken(json(SERVER), SERVER)).issuer).toBe(SERVER.publicKey);
  for (const signer of [OPERATOR, ACCOUNT, USER]) {
    expect(errorOf(() => decodeClaims(rawToken(json(signer), signer)))).toBe("unable to validate expected prefixes - [server]");
  }
});
