/** A changed answer never admits a client, and causes no error except a CalloutFault. */
import { expect, test } from "bun:test";
import { FakeHost } from "../../../test/doubles/fake-host.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { ACCOUNT, SERVER, USER } from "../../../test/doubles/token-maker.ts";
import { encodeClaims, newClaims } from "../../access/jwt/encode.ts";
import { Account } from "../../accounts/account/account.ts";
import { encodeSeed, NkeyKind } from "../../base/keys/nkey.ts";
import { publicXkeyOf, seal } from "../../base/keys/xkey.ts";
import { Random } from "../../base/random/random.ts";
import { NO_CALLOUT } from "../users/authorization.ts";
import { type Expected, readAnswer } from "./authorization-answer.ts";
import { CalloutFault } from "./callout-fault.ts";
import { ConfigParty } from "./config-party.ts";

const NOW_SECONDS = 1_700_000_000;
const ROUNDS = 1_500;
const serverSeed = new Uint8Array(32).fill(1);
const serviceSeed = new Uint8Array(32).fill(2);

const user = encodeClaims(newClaims("user", USER.publicKey, {}, { audience: "A", name: "her" }), ACCOUNT, NOW_SECONDS);
const response = newClaims("authorization_response", USER.publicKey, { jwt: user }, { audience: SERVER.publicKey });
const token = encodeClaims(response, ACCOUNT, NOW_SECONDS);

function expecting(sealed: boolean): Expected {
  const account = new Account("A", new FakeHost());
  const xkey = sealed ? publicXkeyOf(serviceSeed)! : "";
  const party = new ConfigParty({ ...NO_CALLOUT, issuer: ACCOUNT.publicKey, xkey }, account, () => account);
  return { party, userNkey: USER.publicKey, serverId: SERVER.publicKey, xkeySeed: serverSeed, nowMs: NOW_SECONDS * 1000 };
}

/** The name of the admitted user, or the text of the fault. */
async function read(payload: Uint8Array, expected: Expected): Promise<string> {
  try {
    return `in: ${(await readAnswer(payload, expected)).name}`;
  } catch (error) {
    if (error instanceof CalloutFault) return error.message;
    throw error;
  }
}

function changed(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  switch (random.below(4)) {
    case 0:
      return copy.subarray(0, random.below(copy.length));
    case 1:
      return copy.subarray(1 + random.below(copy.length - 1));
    case 2:
      return copy.map((byte, at) => (at % (1 + random.below(50)) === 0 ? random.below(256) : byte));
    default: {
      const at = random.below(copy.length);
      copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
    }
  }
}

for (const sealed of [false, true]) {
  test(`fuzz: ${sealed ? "encrypted" : "unencrypted"}: a changed answer admits no client`, async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const expected = expecting(sealed);
    const whole = sealed
      ? (await seal(Buffer.from(token), publicXkeyOf(serverSeed)!, encodeSeed(NkeyKind.Curve, serviceSeed)))!
      : Buffer.from(token);
    expect(await read(whole, expected)).toBe("in: her");
    for (let round = 0; round < ROUNDS; round++) {
      const payload = changed(whole, random);
      const answer = await read(payload, expected);
      // The last character of a signature has unused bits.
      const same = Buffer.from(Buffer.from(payload).toString().split(".")[2] ?? "", "base64url");
      const isSame = !sealed && same.equals(Buffer.from(token.split(".")[2]!, "base64url"));
      if (!isSame) expect(answer, `SEED=${seed} round=${round}`).not.toStartWith("in:");
    }
  });
}
