/** Fields of operator mode: operators, trusted keys, preloaded and pinned accounts. */
import { readFileSync } from "node:fs";
import { JwtError } from "../../../access/jwt/claims.ts";
import { decodeAccount, decodeOperator } from "../../../access/jwt/decode.ts";
import { TOKEN_PREFIX, tokenInFile } from "../../../access/jwt/decorated.ts";
import { goReadError } from "../../../base/go/file-error.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { type ConfigValue, goTypeOf } from "../../language/config-value.ts";
import { ConfigFault } from "../row/problems.ts";
import { type Reader, reader, textsFor } from "../row/reader.ts";

/** @returns why the text is not an operator JWT, with the JWT library's text; null when it is one */
export function operatorJwtFault(jwt: string): string | null {
  return jwtFaultOf(() => decodeOperator(jwt));
}

export const INVALID_ACCOUNT_JWT = "invalid account JWT";

export function isAccountJwt(jwt: string): boolean {
  return jwtFaultOf(() => decodeAccount(jwt)) === null;
}

/** Runs a decoder. @returns null, or the text of its JwtError */
export function jwtFaultOf(decode: () => unknown): string | null {
  try {
    decode();
    return null;
  } catch (error) {
    if (!(error instanceof JwtError)) throw error;
    return error.message;
  }
}

/** @param given a JWT, or a file that contains one @throws ConfigFault */
function operatorJwt(given: string): string {
  let text: string;
  try {
    text = readFileSync(given, "utf8");
  } catch (error) {
    if (!given.startsWith(TOKEN_PREFIX)) throw new ConfigFault(`error parsing operator JWT: ${goReadError(error, given)}`);
    text = given;
  }
  const jwt = tokenInFile(text).trim();
  const fault = operatorJwtFault(jwt);
  if (fault !== null) throw new ConfigFault(`error parsing operator JWT: ${fault}`);
  return jwt;
}

export const operatorsReader: Reader<readonly string[]> = reader("file or JWT, or list of them", (value, { problems }) => {
  const { data } = value;
  if (typeof data === "string") return [operatorJwt(data)];
  if (!Array.isArray(data)) throw new ConfigFault(`error parsing operators: unsupported type ${goTypeOf(data)}`);
  const read: string[] = [];
  for (const element of data) {
    try {
      if (typeof element.data !== "string") {
        throw new ConfigFault("error parsing operators: unsupported type *conf.token where string is expected");
      }
      read.push(operatorJwt(element.data));
    } catch (fault) {
      if (!(fault instanceof ConfigFault)) throw fault;
      problems.error(value, fault.message);
    }
  }
  return read;
});

const trusted = textsFor("trusted");

export const trustedKeysReader: Reader<readonly string[]> = reader(trusted.type, (value: ConfigValue, context) => {
  const keys = trusted.read(value, context);
  const at = Array.isArray(value.data) ? (value.data.at(-1) ?? value) : value; // the place that the reference reports for a valid list
  for (const key of keys) {
    if (isPublicNkey(key, NkeyKind.Operator)) continue;
    context.problems.error(at, `trust key ${quoted(key)} required to be a valid public operator nkey`);
  }
  return keys;
});

export const pinnedAccountsReader = textsFor("resolver_pinned_accounts");

export const resolverPreload: Reader<Readonly<Record<string, string>>> = reader("map of accounts to JWTs", ({ data }, { problems }) => {
  if (!(data instanceof Map)) throw new ConfigFault("preload should be a map of account_public_key:account_jwt");
  const preload: [string, string][] = [];
  for (const [account, jwt] of data) {
    if (typeof jwt.data !== "string") problems.error(jwt, "preload map value should be a string JWT");
    else if (!isAccountJwt(jwt.data)) problems.error(jwt, INVALID_ACCOUNT_JWT);
    else preload.push([account, jwt.data]);
  }
  return Object.fromEntries(preload);
});
