/** Which accounts of a configuration use JetStream, with their limits. Accounts of an operator have their limits in their JWTs instead. */
import { SYSTEM_ACCOUNT } from "../../accounts/account/account.ts";
import type { JetStreamAccess } from "../../accounts/account/jetstream-access.ts";
import { type AccountJetStream, UNLIMITED_ACCOUNT } from "../../jetstream/config/account-jetstream.ts";
import { GLOBAL_ACCOUNT } from "./block/account-block.ts";
import type { Options } from "./options.ts";

/** The error of a start whose system account is to use JetStream. */
export const JETSTREAM_ON_SYSTEM_ACCOUNT = "Not allowed to enable JetStream on the system account";

export type AccountChoice = Pick<Options, "accounts" | "jetStream" | "operators" | "systemAccount" | "trustedKeys">;

/**
 * The accounts by name, in the order of the configuration. Without accounts of its own, and without an operator, a server with JetStream gives
 * it to the global account, without limits.
 */
export function jetStreamAccounts(options: AccountChoice): ReadonlyMap<string, AccountJetStream> {
  const { accounts, jetStream, operators, trustedKeys } = options;
  const chosen = new Map<string, AccountJetStream>();
  for (const account of accounts) if (account.jetStream !== null) chosen.set(account.name, account.jetStream);
  const others = accounts.some(({ name }) => name !== systemAccountName(options));
  const globalOnly = !others && operators.length === 0 && trustedKeys.length === 0;
  if (jetStream.enabled && globalOnly) chosen.set(GLOBAL_ACCOUNT, UNLIMITED_ACCOUNT);
  return chosen;
}

/** How accounts reach the API of JetStream. */
export function jetStreamAccess(options: AccountChoice & Pick<Options, "defaultJsDomain">): JetStreamAccess {
  const { defaultJsDomain, jetStream } = options;
  return {
    enabled: jetStream.enabled,
    domain: jetStream.domain,
    accounts: new Set(jetStreamAccounts(options).keys()),
    defaultDomains: defaultJsDomain,
  };
}

/** The system account cannot use JetStream. Found when the server starts, after the options were checked. @returns the error, or null */
export function systemAccountFault(options: AccountChoice): string | null {
  if (!options.jetStream.enabled || !jetStreamAccounts(options).has(systemAccountName(options))) return null;
  return JETSTREAM_ON_SYSTEM_ACCOUNT;
}

function systemAccountName({ systemAccount }: AccountChoice): string {
  return systemAccount ?? SYSTEM_ACCOUNT;
}
