/**
 * Login rules per listener, derived from the options: WebSocket has its own settings, which replace the server's when any is set,
 * and always has its own setting for mapping certificates to users.
 * Source: core §4.1, §4.4, §6.8.
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import { SYSTEM_ACCOUNT } from "../../accounts/account/account.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import { type Authorization, type ConfiguredAccount, type ListenerAuthorization, NO_USER, type UserOptions } from "./authorization.ts";
import { isBcrypt } from "./password.ts";

/** Options that affect logins. */
export interface AuthOptions {
  readonly accounts: readonly ConfiguredAccount[];
  readonly authorization: Authorization | null;
  readonly noAuthUser: string | null;
  /** Operator JWTs; their users are checked elsewhere. */
  readonly operators: readonly string[];
  readonly systemAccount: string | null;
  readonly tls: CertificateMapping | null;
  readonly trustedProxies: readonly string[];
  readonly websocket: (ListenerAuthorization & { readonly tls: CertificateMapping | null }) | null;
}

type CertificateMapping = Pick<TlsOptions, "mapsCertificate">;

export type ListenerName = "client" | "websocket";

export interface ListenerRules {
  /** Single user; empty: none. */
  readonly user: string;
  readonly password: string;
  /** Single token, checked before the single user; empty: none. */
  readonly token: string;
  /** User or nkey for clients without credentials (`no_auth_user`); empty: none. */
  readonly noAuthUser: string;
  /** User for clients that send no CONNECT; empty: none. */
  readonly anonymousUser: string;
  /** `verify_and_map` */
  readonly mapsCertificates: boolean;
  /** The single user or token is accepted only through a trusted proxy. */
  readonly proxyRequired: boolean;
}

/** @param hiddenUser see `hiddenUserOf`; null: none */
export function listenerRules(options: AuthOptions, listener: ListenerName, hiddenUser: UserOptions | null): ListenerRules {
  const { authorization, tls, websocket } = options;
  const { user = "", password = "", token = "", proxyRequired = false } = authorization ?? {};
  const noAuthUser = options.noAuthUser ?? hiddenUser?.user ?? "";
  const rules = {
    user,
    password,
    token,
    noAuthUser,
    anonymousUser: noAuthUser,
    mapsCertificates: tls?.mapsCertificate ?? false,
    proxyRequired,
  };
  if (listener === "client" || websocket === null) return rules;

  const mapsCertificates = websocket.tls?.mapsCertificate ?? false;
  const anonymousUser = websocket.noAuthUser ?? noAuthUser;
  if (!overrides(options)) return { ...rules, mapsCertificates };
  const own = { user: "", password: "", token: "", ...websocket.authorization };
  return {
    user: own.user,
    password: own.password,
    token: own.token,
    noAuthUser: websocket.noAuthUser ?? "",
    anonymousUser,
    mapsCertificates,
    proxyRequired,
  };
}

/** Whether the WebSocket listener has its own login rules. */
function overrides({ websocket }: AuthOptions): boolean {
  if (websocket === null) return false;
  const { user = "", token = "" } = websocket.authorization ?? {};
  return user !== "" || token !== "" || websocket.noAuthUser !== null;
}

/**
 * The hidden user of `$G`, used by clients without credentials when only a system account is configured: its users must log in, while
 * all others need not.
 * @param name `nats-` and eight characters; unchanged by a reload, so that no client is closed
 * @returns null when no hidden user is needed
 */
export function hiddenUserOf(
  { accounts, authorization, noAuthUser, operators, systemAccount }: AuthOptions,
  name: string,
): UserOptions | null {
  const system = systemAccount ?? SYSTEM_ACCOUNT;
  const alone = accounts.length === 1 && accounts[0].name === system;
  if (!alone || authorization !== null || noAuthUser !== null || operators.length > 0) return null;
  return { ...NO_USER, user: name, password: name.slice(6) };
}

/** Whether a certificate on any listener could map to that user. */
export function mayBeMapped({ tls, websocket }: AuthOptions, { connectionTypes }: UserOptions): boolean {
  const allowed = (type: ConnectionType) => connectionTypes === null || connectionTypes.includes(type);
  return (tls?.mapsCertificate === true && allowed("STANDARD")) || (websocket?.tls?.mapsCertificate === true && allowed("WEBSOCKET"));
}

/** Whether the configuration holds plaintext passwords; the start log warns about them. */
export function hasPlaintextPasswords(options: AuthOptions): boolean {
  const { accounts, authorization } = options;
  const single = authorization?.password ?? "";
  if (single !== "" && !isBcrypt(single)) return true;
  const isPlain = (user: UserOptions) =>
    user.nkey === "" && !isBcrypt(user.password) && (user.password !== "" || !mayBeMapped(options, user));
  return (authorization?.users ?? []).some(isPlain) || accounts.some(({ users }) => users.some(isPlain));
}
