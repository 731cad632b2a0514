/**
 * Functions that stand for the hash of an account's name. A whole token is replaced by a literal once, when a mapping, an export or an import is
 * installed, so that monitoring, interest and transforms know only the literal.
 *
 *   svc.{{account-hash()}}          the own account           svc.u3kYq8Za
 *   svc.{{account-hash-import()}}   the exporting account, in imports
 * The first letter of each word may be upper case, and white space may surround name and argument list, as in transform functions.
 * Source: core §5.6; reference server, subject_transform.go (behaviour).
 */
import { serverHash } from "../../base/keys/server-hash.ts";
import { transformError } from "./transform-error.ts";

/** The accounts whose hashes have a value where a subject is used. */
export interface HashedAccounts {
  readonly own: string;
  /** Empty: the subject belongs to no import. */
  readonly exporter: string;
}

const SPACES = "[\\t\\n\\f\\r ]*";

function callOf(name: string): RegExp {
  return new RegExp(`\\{\\{${SPACES}${name}${SPACES}\\(([^\\n]*)\\)${SPACES}\\}\\}`);
}

const FUNCTIONS: readonly { readonly call: RegExp; readonly account: (accounts: HashedAccounts) => string }[] = [
  { call: callOf("[aA]ccount-[hH]ash-[iI]mport"), account: ({ exporter }) => exporter },
  { call: callOf("[aA]ccount-[hH]ash-[lL]eaf-[rR]emote"), account: () => "" }, // only deny lists of leaf nodes know that account
  { call: callOf("[aA]ccount-[hH]ash"), account: ({ own }) => own },
];

/** Whether a token that looks like a function calls one of these. */
export function callsAccountFunction(token: string): boolean {
  return FUNCTIONS.some(({ call }) => call.test(token));
}

/**
 * Replaces the functions in a subject. Other tokens, also other functions, stay as they are.
 * @throws TransformError  a function has arguments, or no value here
 */
export function withAccountHashes(subject: string, accounts: HashedAccounts): string {
  if (!subject.includes("{{")) return subject;
  return subject
    .split(".")
    .map(token => hashOf(token, accounts))
    .join(".");
}

function hashOf(token: string, accounts: HashedAccounts): string {
  if (!looksLikeFunction(token)) return token;
  for (const { call, account } of FUNCTIONS) {
    const found = call.exec(token);
    if (found === null) continue;
    if (found[1].trim() !== "") throw transformError("tooManyArguments", token);
    const name = account(accounts);
    if (name === "") throw transformError("notAvailable", token);
    return serverHash(name);
  }
  return token;
}

/** Whether a token has the form `{{…}}`. */
export function looksLikeFunction(token: string): boolean {
  return token.length > 4 && token.startsWith("{{") && token.endsWith("}}");
}
