/**
 * Tokens and seeds in files, between lines of dashes:
 *
 *   -----BEGIN NATS USER JWT-----           a line that ends in three dashes, and has three more before them
 *   eyJ0eXAiOiJKV1QiLCJhbGciOiJl…           one line of letters, digits, `-._=`
 *   ------END NATS USER JWT------           a line that begins and ends in three dashes
 * What the dashes say counts for nothing: the first such item is the token, the second the seed. Read line by line, as the usual regular
 * expression takes the square of a line of dashes.
 * Source: nats-io/jwt v2, creds_utils.go (behaviour).
 */
import { JwtError } from "./jwt-error.ts";

/** All tokens, once encoded, begin so. */
export const TOKEN_PREFIX = "eyJ";

/** The token of a credentials file or a decorated token; any other text is returned as it is. */
export function tokenInFile(text: string): string {
  return itemsOf(text)[0] ?? text;
}

/**
 * The seed of a credentials file, or of a file that holds one in a line of its own.
 * @returns the seed as text, which nobody has decoded yet
 * @throws JwtError there is none
 */
export function seedInFile(text: string): string {
  const seed = itemsOf(text)[1] ?? text.split("\n").find(line => isSeed(line.trim()));
  if (seed === undefined) throw new JwtError("no nkey seed found");
  if (!isSeed(seed)) throw new JwtError("doesn't contain a seed nkey");
  return seed.trimEnd();
}

/**
 * The same for a user.
 * @throws JwtError there is none, or it is somebody else's
 */
export function userSeedInFile(text: string): string {
  const seed = seedInFile(text);
  if (!seed.startsWith("SU")) throw new JwtError("doesn't contain an user seed nkey");
  return seed;
}

/** A user's credentials, as `nsc` writes them. */
export function formatCredentials(token: string, seed: string): string {
  return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------

*************************************************************
`;
}

function isSeed(text: string): boolean {
  return text.startsWith("SO") || text.startsWith("SA") || text.startsWith("SU");
}

const DASHES = "---";
const ITEM = /^[\w\-.=]+$/;

function itemsOf(text: string): string[] {
  const lines = text.split("\n");
  const items: string[] = [];
  for (let at = 0; at + 2 < lines.length; ) {
    const begin = withoutReturn(lines[at]);
    const item = withoutReturn(lines[at + 1]);
    const isLast = at + 2 === lines.length - 1;
    const end = isLast ? lines[at + 2] : withoutReturn(lines[at + 2]);
    if (isFence(begin) && ITEM.test(item) && end.startsWith(DASHES) && isFence(end)) {
      items.push(item);
      at += 3;
    } else at++;
  }
  return items;
}

function isFence(line: string): boolean {
  const first = line.indexOf(DASHES);
  return line.endsWith(DASHES) && first !== -1 && first <= line.length - 2 * DASHES.length;
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
