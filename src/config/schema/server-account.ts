/** An account of the configuration, with its JetStream. */
import { type ConfiguredAccount, emptyConfiguredAccount } from "../../auth/users/authorization.ts";
import type { AccountJetStream } from "../../jetstream/config/account-jetstream.ts";

export interface ServerAccount extends ConfiguredAccount {
  /** null: the account has no JetStream. */
  readonly jetStream: AccountJetStream | null;
}

export function emptyServerAccount(name: string): ServerAccount {
  return { ...emptyConfiguredAccount(name), jetStream: null };
}
