import { generateKeyPairSync } from "node:crypto";
import { encodeNkey, NkeyKind } from "./nkey.ts";

/** Who a server is: made anew at every start, never stored. */
export interface ServerIdentity {
  /** Ed25519 seed behind `id`. Secret. */
  readonly seed: Uint8Array;
  /** Public key, `N…`: the server's id. */
  readonly id: string;
  /** X25519 seed behind `xkey`. Secret. */
  readonly xkeySeed: Uint8Array;
  /** Public X25519 key, `X…`, for answers that only this server can read. */
  readonly xkey: string;
}

/**
 * The keys are the runtime's own: `@noble/ed25519` builds its tables first, 24 ms that every start of a server would pay. The test holds
 * the two against each other.
 */
export function newServerIdentity(): ServerIdentity {
  const signing = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const curve = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  return {
    seed: fromBase64Url(signing.d!),
    id: encodeNkey(NkeyKind.Server, fromBase64Url(signing.x!)),
    xkeySeed: fromBase64Url(curve.d!),
    xkey: encodeNkey(NkeyKind.Curve, fromBase64Url(curve.x!)),
  };
}

function fromBase64Url(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64url"));
}
