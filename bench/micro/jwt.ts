/**
 * What a login by JWT costs: the user's token decoded and verified, its parts, and what an operator's server does less often.
 *
 *   bun run bench/micro/jwt.ts              BENCH_SHORT=1: a run of seconds, which shows that it runs and no more
 * The signature is the price: 55 µs of the runtime's own Ed25519, on the machine that this was written on. Taking a user's token apart and
 * reading it adds 10 to 15 µs, an account of a hundred exports 200 µs.
 */
import { bench, do_not_optimize, run } from "mitata";
import { decodeAccount, decodeUser } from "../../src/access/jwt/decode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { signerOf } from "../../src/access/jwt/signer.ts";
import { validateClaims } from "../../src/access/jwt/validate-claims.ts";
import { encodeSeed, NkeyKind, verifySignature } from "../../src/base/keys/nkey.ts";

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
