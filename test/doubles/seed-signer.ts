import type { Signer } from "../../src/access/jwt/encode.ts";
import { publicNkeyOf, sign } from "../../src/base/keys/nkey.ts";

/** @param seed as text; `encodeSeed` makes it from bytes */
export function signerOf(seed: string): Signer {
  const publicKey = publicNkeyOf(seed);
  if (publicKey === null) throw new Error("invalid seed");
  return { publicKey, sign: data => sign(seed, data)! };
}
