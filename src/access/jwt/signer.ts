import { publicNkeyOf, sign } from "../../base/keys/nkey.ts";
import { JwtError } from "./jwt-error.ts";

/** Who signs tokens: a seed, or somebody who keeps it. */
export interface Signer {
  /** nkey */
  readonly publicKey: string;
  /** @returns 64 bytes */
  sign(data: Uint8Array): Uint8Array;
}

/**
 * @param seed as text; `encodeSeed` makes it of bytes
 * @throws JwtError it is no seed of a kind that signs
 */
export function signerOf(seed: string): Signer {
  const publicKey = publicNkeyOf(seed);
  if (publicKey === null) throw new JwtError("invalid seed"); // never the seed itself
  return { publicKey, sign: data => sign(seed, data)! };
}
