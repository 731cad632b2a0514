/** Checks operators, their keys and the options that depend on them, in the reference's order. Decodes the operators' JWTs. */

import type { OperatorClaims } from "../../../access/jwt/claims.ts";
import { decodeOperator, decodeUser } from "../../../access/jwt/decode.ts";
import { hasEmptyPermissions } from "../../../access/jwt/trust.ts";
import { parseServerVersion } from "../../../access/jwt/validate-operator.ts";
import type { ResolverOptions } from "../../../auth/operator/operator-options.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { NATS_VERSION } from "../../../wire/protocol/version.ts";
import { INVALID_ACCOUNT_JWT, isAccountJwt, jwtFaultOf, operatorJwtFault } from "../block/operator-block.ts";
import type { Options } from "../options.ts";
import { OptionError } from "../row/problems.ts";

function refuse(fault: string): never {
  throw new OptionError(fault);
}

/**
 * Sets the resolver and the system account from the operator's JWT, if they are not set and there is exactly one operator.
 * @throws OptionError  a JWT cannot be decoded
 */
export function withOperator(options: Options): Options {
  const [operator, more] = operatorsOf(options);
  if (operator === undefined || more !== undefined) return options;
  const { accountServerUrl, systemAccount } = operator.nats;
  // `nsc push` sends them there.
  const resolver: ResolverOptions = { kind: "url", url: `${accountServerUrl.trim()}/accounts/` };
  return { ...options, resolver: options.resolver ?? resolver, systemAccount: options.systemAccount ?? (systemAccount || null) };
}

function operatorsOf({ operators }: Options): OperatorClaims[] {
  return operators.map(jwt => {
    const fault = operatorJwtFault(jwt);
    if (fault !== null) refuse(`error parsing operator JWT: ${fault}`);
    return decodeOperator(jwt);
  });
}

/** @param hasUsers whether the configuration defines users @throws OptionError */
export function checkOperators(options: Options, hasUsers: boolean): void {
  const { trustedKeys, resolver, resolverPreload, defaultSentinel, accounts, mappings, authorization, pinnedAccounts } = options;
  for (const jwt of Object.values(resolverPreload)) if (!isAccountJwt(jwt)) refuse(INVALID_ACCOUNT_JWT);
  const wrongKey = trustedKeys.find(key => !isPublicNkey(key, NkeyKind.Operator));
  if (wrongKey !== undefined) refuse(`trust key ${quoted(wrongKey)} required to be a valid public operator nkey`);
  const operators = operatorsOf(options);
  if (operators.length === 0) {
    if (defaultSentinel !== "") refuse("default sentinel requires operators and accounts");
    return;
  }
  if (defaultSentinel !== "") checkSentinel(defaultSentinel);
  if (resolver === null) refuse("operators require an account resolver to be configured");
  if (accounts.length > 0 || mappings.length > 0) refuse("operators do not allow Accounts to be configured directly");
  if (hasUsers) refuse("operators do not allow users to be configured directly");
  if (trustedKeys.length > 0) refuse("conflicting options for 'TrustedKeys' and 'TrustedOperators'");
  checkOperatorsSystemAccount(options, operators);
  for (const operator of operators) checkVersion(operator);
  for (const { subject, nats } of operators) {
    const wrong = [...(nats.strictSigningKeyUsage ? [] : [subject]), ...nats.signingKeys].find(
      key => !isPublicNkey(key, NkeyKind.Operator),
    );
    if (wrong !== undefined) refuse(`trusted Keys ${quoted(wrong)} are required to be a valid public operator nkey`);
  }
  const wrongPin = pinnedAccounts.find(key => !isPublicNkey(key, NkeyKind.Account));
  if (wrongPin !== undefined) refuse(`pinned account key ${quoted(wrongPin)} is not a valid public account nkey`);
  if (authorization?.callout) refuse("operators do not allow authorization callouts to be configured directly");
}

/** A JWT signed by a scoped key has no own permissions. Whether the key is scoped is known only when a client uses it. */
function checkSentinel(jwt: string): void {
  if (jwtFaultOf(() => decodeUser(jwt)) !== null) refuse("default sentinel JWT not valid");
  const user = decodeUser(jwt);
  const mayBeScoped = user.nats.issuerAccount !== "" && hasEmptyPermissions(user);
  if (!user.nats.bearerToken && !mayBeScoped) refuse("default sentinel must be a bearer token");
}

function checkOperatorsSystemAccount({ systemAccount, resolver }: Options, operators: readonly OperatorClaims[]): void {
  const theirs = operators.map(({ nats }) => nats.systemAccount);
  if (systemAccount !== null) {
    if (theirs.some(name => name !== "") && !theirs.includes(systemAccount)) {
      refuse("system_account in config and operator JWT must be identical");
    }
  } else if (theirs[0] === "" && (resolver?.kind === "full" || resolver?.kind === "cache")) {
    const need = "the system account needs to be specified in configuration or the operator jwt";
    refuse(`using nats based account resolver - ${need}`);
  }
}

function checkVersion({ subject, nats: { assertServerVersion } }: OperatorClaims): void {
  const fault = jwtFaultOf(() => parseServerVersion(assertServerVersion));
  if (fault !== null) refuse(`operator ${subject} expects version ${assertServerVersion} got error instead: ${fault}`);
  const own = parseServerVersion(NATS_VERSION);
  const expected = parseServerVersion(assertServerVersion);
  for (const [at, part] of ["major", "minor", "update"].entries()) {
    if (expected[at]! < own[at]!) return;
    if (expected[at]! > own[at]!) {
      refuse(`operator ${subject} expected ${part} version ${expected[at]} > server ${part} version ${own[at]}`);
    }
  }
}
