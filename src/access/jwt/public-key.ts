/** Whether a text is a public key of a certain kind. */
import { decodeNkey, NkeyKind } from "../../base/keys/nkey.ts";

export function isAccountKey(text: string): boolean {
  return decodeNkey(text)?.kind === NkeyKind.Account;
}

export function isUserKey(text: string): boolean {
  return decodeNkey(text)?.kind === NkeyKind.User;
}

export function isOperatorKey(text: string): boolean {
  return decodeNkey(text)?.kind === NkeyKind.Operator;
}

export function isServerKey(text: string): boolean {
  return decodeNkey(text)?.kind === NkeyKind.Server;
}

export function isCurveKey(text: string): boolean {
  return decodeNkey(text)?.kind === NkeyKind.Curve;
}
