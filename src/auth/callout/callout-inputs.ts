/**
 * Whether a reload changes what the decision about a client depends on: then clients that a callout service admitted are closed, and ask again
 * when they reconnect. Permissions do not count, nor does the rest of the accounts.
 * Source: server/reload.go, calloutInputsChanged (behaviour); core §6.14.
 */

import type { UserOptions } from "../users/authorization.ts";
import type { AuthOptions } from "../users/listener-rules.ts";

export interface CalloutInputs extends Pick<AuthOptions, "accounts" | "authorization" | "noAuthUser"> {
  /** Services may read them in requests. */
  readonly serverTags: readonly string[];
  readonly tls: { readonly verify: boolean; readonly mapsCertificate: boolean } | null;
}

export function calloutInputsChanged(before: CalloutInputs, after: CalloutInputs): boolean {
  return after.authorization?.callout ? !Bun.deepEquals(inputsOf(before), inputsOf(after)) : false;
}

function inputsOf({ accounts, authorization, noAuthUser, serverTags, tls }: CalloutInputs): unknown {
  const { user, password, token, proxyRequired = false } = authorization ?? {};
  const users = [
    ...(authorization?.users ?? []).map(one => credentialsOf("", one)),
    ...accounts.flatMap(account => account.users.map(one => credentialsOf(account.name, one))),
  ];
  return {
    serverTags,
    single: [user ?? "", password ?? "", token ?? "", noAuthUser ?? "", proxyRequired],
    tls: [tls?.verify ?? false, tls?.mapsCertificate ?? false],
    users: new Map(users),
  };
}

function credentialsOf(account: string, { connectionTypes, nkey, password, proxyRequired, user }: UserOptions): [string, unknown] {
  return [`${nkey} ${user}`, { account, connectionTypes: connectionTypes?.toSorted() ?? null, password, proxyRequired }];
}
