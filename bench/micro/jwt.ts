/**
 * The cost of a login by JWT: decoding and verifying the user's token, its steps, and the rarer work of operator mode.
 *
 *   bun run bench/micro/jwt.ts              BENCH_SHORT=1: a run of seconds, only to see that it works
 * Most of it is the signature: 55 µs with the runtime's Ed25519, on a 2-core AMD EPYC. Decoding a user's token adds 10 to 15 µs, an
 * account with a hundred exports 200 µs.
 */
import { bench, do_not_optimize, run } from "mitata";
import { decodeAccount, decodeUser } from "../../src/access/jwt/decode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { validateClaims } from "../../src/access/jwt/validate-claims.ts";
import { encodeSeed, NkeyKind, verifySignature } from "../../src/base/keys/nkey.ts";
import { signerOf } from "../../test/doubles/seed-signer.ts";

const short = process.env.BENCH_SHORT === "1";
const signer = (kind: NkeyKind, byte: number) => signerOf(encodeSeed(kind, new Uint8Array(32).fill(byte)));
const [operator, account, user] = [signer(NkeyKind.Operator, 1), signer(NkeyKind.Account, 2), signer(NkeyKind.User, 3)];
const now = 1_750_000_000;

const userClaims = newClaims("user", user.publicKey, {
  publish: { allow: ["orders.>", "_INBOX.>"], deny: ["orders.secret"] },
  subscribe: { allow: ["orders.>", "_INBOX.>"], deny: [] },
  tags: ["region:eu"],
});
const userToken = encodeClaims(userClaims, account, now);
const exports = Array.from({ length: 100 }, (_, index) => ({
  ...{ name: `e${index}`, subject: `service.s${index}.*`, type: "service" as const, tokenRequired: false, revocations: new Map() },
  ...{ responseType: "Singleton", responseThresholdNanoseconds: 0, latency: null, accountTokenPosition: 0 },
  ...{ advertise: false, allowTrace: false, description: "", infoUrl: "" },
}));
const accountToken = encodeClaims(newClaims("account", account.publicKey, { exports }), operator, now);
const accountClaims = decodeAccount(accountToken);
const cut = userToken.lastIndexOf(".");
const signature = Buffer.from(userToken.slice(cut + 1), "base64url");

bench("verify one signature", () => do_not_optimize(verifySignature(account.publicKey, userToken.slice(0, cut), signature)));
bench("user login: decode, verify, validate", () => do_not_optimize(validateClaims(decodeUser(userToken), now * 1000)));
bench("account of 100 exports: decode, verify", () => do_not_optimize(decodeAccount(accountToken)));
bench("account of 100 exports: validate", () => do_not_optimize(validateClaims(accountClaims, now * 1000)));
bench("issue a user's token", () => do_not_optimize(encodeClaims(userClaims, account, now)));

if (short) {
  decodeUser(userToken);
  console.log("runs");
} else await run();
