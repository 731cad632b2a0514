/**
 * Who may come in by which listener, as the options say it: WebSocket has settings of its own, which replace the server's when any is set,
 * and always decides for itself whether certificates name users.
 * Source: core §4.1, §4.4, §6.8.
 */

import type { ConnectionType } from "../../access/jwt/connection-types.ts";
import { SYSTEM_ACCOUNT } from "../../accounts/account/account.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import { type Authorization, type ConfiguredAccount, type ListenerAuthorization, NO_USER, type UserOptions } from "./authorization.ts";
import { isBcrypt } from "./password.ts";

/** Options that decide who may connect. */
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
  /** A single user; empty: there is none. */
  readonly user: string;
  readonly password: string;
  /** A single token, which comes before the single user; empty: there is none. */
  readonly token: string;
  /** User or nkey of who gives no credentials; empty: nobody. */
  readonly noAuthUser: string;
  /** As whom one may begin without CONNECT; empty: nobody. */
  readonly anonymousUser: string;
  /** `verify_and_map` */
  readonly mapsCertificates: boolean;
  /** The single user or token counts only for who comes through a trusted proxy. */
  readonly proxyRequired: boolean;
}

/** @param hiddenUser see `hiddenUserOf`; null: there is none */
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

/** The WebSocket listener says for itself who may come in. */
function overrides({ websocket }: AuthOptions): boolean {
  if (websocket === null) return false;
  const { user = "", token = "" } = websocket.authorization ?? {};
  return user !== "" || token !== "" || websocket.noAuthUser !== null;
}

/**
 * The user of `$G` as whom everybody comes in where nothing but a system account is configured: its users must show who they are, while
 * all others need not.
 * @param name `nats-` and eight characters; the same after a reload, so that nobody is closed
 * @returns null where there is no need of one
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

/** Whether a certificate shown on any listener could make somebody that user. */
export function mayBeMapped({ tls, websocket }: AuthOptions, { connectionTypes }: UserOptions): boolean {
  const allowed = (type: ConnectionType) => connectionTypes === null || connectionTypes.includes(type);
  return (tls?.mapsCertificate === true && allowed("STANDARD")) || (websocket?.tls?.mapsCertificate === true && allowed("WEBSOCKET"));
}

/** Whether passwords stand in the clear in the configuration: the start log warns of them. */
export function hasPlaintextPasswords(options: AuthOptions): boolean {
  const { accounts, authorization } = options;
  const single = authorization?.password ?? "";
  if (single !== "" && !isBcrypt(single)) return true;
  const isPlain = (user: UserOptions) =>
    user.nkey === "" && !isBcrypt(user.password) && (user.password !== "" || !mayBeMapped(options, user));
  return (authorization?.users ?? []).some(isPlain) || accounts.some(({ users }) => users.some(isPlain));
}
