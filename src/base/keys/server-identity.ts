import { generateKeyPairSync } from "node:crypto";
import { encodeNkey, NkeyKind } from "./nkey.ts";

/** A server's identity: created at every start, never stored. */
export interface ServerIdentity {
  /** Ed25519 seed of `id`. Secret. */
  readonly seed: Uint8Array;
  /** Public key, `N…`: the server's id. */
  readonly id: string;
  /** X25519 seed of `xkey`. Secret. */
  readonly xkeySeed: Uint8Array;
  /** Public X25519 key, `X…`, for answers readable by this server only. */
  readonly xkey: string;
}

/**
 * Uses the runtime's keys: `@noble/ed25519` first builds tables, which would add 24 ms to every start. A test compares
 * the two.
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
