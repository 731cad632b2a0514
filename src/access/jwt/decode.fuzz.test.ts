import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import vectors from "../../../test/vectors/go-jwt.json";
import { Random } from "../../base/random/random.ts";
import { JwtError } from "./claims.ts";
import { decodeClaims, decodeGeneric } from "./decode.ts";
import { decodePart } from "./token-part.ts";

const tokens = vectors.issued.map(one => one.token);
const ALPHABET = [..."ABCabcxyz019-_.=+/ \n\r\0é"];

/** One to three changes: letters replaced, dropped, doubled; parts cut, swapped with another token's; text from anywhere in between. */
function mutated(token: string, random: Random): string {
  let text = token;
  for (let change = random.between(1, 3); change > 0; change--) {
    const at = random.below(text.length + 1);
    const parts = text.split(".");
    text = random.pick([
      () => text.slice(0, at) + random.pick(ALPHABET) + text.slice(at + 1),
      () => text.slice(0, at) + text.slice(at + random.between(1, 9)),
      () => text.slice(0, at) + random.pick(ALPHABET) + text.slice(at),
      () => text.slice(0, at),
      () => parts.with(random.below(parts.length), random.pick(random.pick(tokens).split("."))).join("."),
      () => random.shuffle(parts).join("."),
      () => changedJson(parts, random),
    ])();
  }
  return text;
}

/** Changes a byte of the decoded JSON and keeps the signature. */
function changedJson(parts: string[], random: Random): string {
  const index = random.below(parts.length);
  const bytes = Buffer.from(parts[index], "base64url");
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.pick([0, 0x22, 0x30, 0x7b, 0x7d, 0xff, random.below(256)]);
  return parts.with(index, bytes.toString("base64url")).join(".");
}

/** The decoded parts of a token, without unused bits of the last letter. */
function contentOf(token: string): string {
  try {
    return token
      .split(".")
      .map(part => decodePart(part).toString("hex"))
      .join(".");
  } catch (error) {
    expect(error).toBeInstanceOf(JwtError);
    return "";
  }
}

function accepts(decode: (token: string) => unknown, token: string, message: string): boolean {
  try {
    decode(token);
    return true;
  } catch (error) {
    expect(error, message).toBeInstanceOf(JwtError);
    return false;
  }
}

test("fuzz: a changed token is refused with a JwtError", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const originals = new Set(tokens.map(contentOf));
  /** The first version signs its body alone, so a header may come from elsewhere. */
  const oldBodies = new Set(
    tokens.filter(token => token.startsWith("eyJ0eXAiOiJqd3Qi")).map(token => contentOf(token).split(".").slice(1).join(".")),
  );
  let refused = 0;
  for (let round = 0; round < 6_000; round++) {
    const token = mutated(random.pick(tokens), random);
    const message = `SEED=${seed} round=${round} ${JSON.stringify(token)}`;
    for (const decode of [decodeClaims, decodeGeneric]) {
      if (!accepts(decode, token, message)) refused++;
      else {
        const content = contentOf(token);
        expect(originals.has(content) || oldBodies.has(content.split(".").slice(1).join(".")), message).toBe(true);
      }
    }
  }
  expect(refused, `SEED=${seed}`).toBeGreaterThan(10_000);
});
