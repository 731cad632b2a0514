/**
 * Checks a callout service's answer, which names the user for a client. The checks have the reference's order, because the first error is logged.
 *
 *   bytes ─ decrypted if sealed ─▶ token ─▶ valid, in force ─▶ for this attempt ─▶ for this server ─▶ right signer
 *     ─▶ not a refusal ─▶ the user's token
 * Source: server/auth_callout.go (behaviour); core §4.9.
 */

import type { UserClaims } from "../../access/jwt/claims.ts";
import { JwtError } from "../../access/jwt/claims.ts";
import { decodeAuthorizationResponse, decodeUser } from "../../access/jwt/decode.ts";
import { validateClaims } from "../../access/jwt/validate-claims.ts";
import { decode } from "../../base/bytes/ascii.ts";
import { quoted } from "../../base/go/strconv.ts";
import { open } from "../../base/keys/xkey.ts";
import { CalloutFault } from "./callout-fault.ts";
import type { CalloutParty } from "./callout-party.ts";

/** What an answer must match. */
export interface Expected {
  readonly party: CalloutParty;
  /** `user_nkey` of the request. */
  readonly userNkey: string;
  /** Public key of this server. */
  readonly serverId: string;
  /** Secret. */
  readonly xkeySeed: Uint8Array;
  /** Wall clock, ms. */
  readonly nowMs: number;
}

/** Every token begins with this text. */
const TOKEN_START = "eyJ";
const VERSION = "xkv1";
const SEALED_BYTES_MIN = VERSION.length + 24 + 1;

/** Rejects with CalloutFault: the answer is invalid, or it refuses the client. */
export async function readAnswer(payload: Uint8Array, expected: Expected): Promise<UserClaims> {
  const { party } = expected;
  if (payload.length === 0) {
    throw new CalloutFault(`auth callout violation: "no reason supplied" on account ${quoted(party.account.name)}`);
  }
  const isSealed = party.xkey !== "" && !startsWith(payload, TOKEN_START);
  const token = isSealed ? await decrypted(payload, expected) : payload;
  return userIn(decode(token), isSealed, expected);
}

async function decrypted(payload: Uint8Array, { party, xkeySeed }: Expected): Promise<Uint8Array> {
  const token = await open(payload, party.xkey, xkeySeed);
  if (token !== null) return token;
  const account = quoted(party.account.name);
  throw new CalloutFault(`error decrypting auth callout response on account ${account}: nkeys: ${decryptionError(payload)}`);
}

function decryptionError(payload: Uint8Array): string {
  if (payload.length < SEALED_BYTES_MIN) return "encrypted input is not valid";
  return startsWith(payload, VERSION) ? "could not decrypt input" : "encrypted input wrong version";
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return decode(bytes.subarray(0, text.length)) === text;
}

function userIn(token: string, isSealed: boolean, { party, userNkey, serverId, nowMs }: Expected): UserClaims {
  const answer = withCalloutFault(() => decodeAuthorizationResponse(token));
  const [issue] = validateClaims(answer, nowMs).issues;
  if (issue !== undefined) throw new CalloutFault(`authorization response had validation errors: ${issue.description}`);
  if (answer.subject !== userNkey) throw new CalloutFault("auth callout violation: auth callout response is not for expected user");
  if (answer.audience !== serverId) throw new CalloutFault("auth callout violation: auth callout response is not for server");
  // Only the service could have sealed it.
  if (!isSealed) party.checkSigner(answer);
  if (answer.nats.error !== "") throw new CalloutFault(`auth callout service returned an error: ${answer.nats.error}`);
  return withCalloutFault(() => decodeUser(answer.nats.jwt));
}

function withCalloutFault<T>(attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof JwtError) throw new CalloutFault(error.message);
    throw error;
  }
}
