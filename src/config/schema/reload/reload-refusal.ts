/** The reference's text for a refused reload. */
import { isDeepStrictEqual } from "node:util";
import type { ResolverOptions } from "../../../auth/operator/operator-options.ts";
import type { Authorization, CalloutOptions } from "../../../auth/users/authorization.ts";
import { goDuration } from "../../../base/go/duration.ts";
import { goStruct } from "../../../base/go/format.ts";
import type { TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../websocket-options.ts";

export function reloadRefusal(goName: string, before: string, after: string): string {
  return `config reload not supported for ${goName}: old=${before}, new=${after}`;
}

/** A reload may change a whole tls block except the mapping of certificates to users and the limit of handshakes. */
export function tlsRefusal(before: TlsOptions | null, after: TlsOptions | null): string | null {
  const maps = [before, after].map(tls => tls?.mapsCertificate ?? false);
  if (maps[0] !== maps[1]) return reloadRefusal("TLSMap", String(maps[0]), String(maps[1]));
  const limits = [before, after].map(tls => tls?.connectionRateLimit ?? 0);
  return limits[0] === limits[1] ? null : reloadRefusal("TLSRateLimit", String(limits[0]), String(limits[1]));
}

/** A reload may change a whole authorization block except the callout service and `proxyRequired`. */
export function authorizationRefusal(before: Authorization | null, after: Authorization | null): string | null {
  const proxies = [before, after].map(one => String(one?.proxyRequired ?? false)) as [string, string];
  if (proxies[0] !== proxies[1]) return reloadRefusal("ProxyRequired", ...proxies);
  const callouts = [before, after].map(one => shownCallout(one?.callout ?? null)) as [string, string];
  return callouts[0] === callouts[1] ? null : reloadRefusal("AuthCallout", ...callouts);
}

function shownCallout(callout: CalloutOptions | null): string {
  if (callout === null) return "<nil>";
  const { issuer, account, authUsers, xkey, allowedAccounts } = callout;
  return `&${goStruct([issuer, account || "$G", authUsers, xkey, allowedAccounts ?? []])}`;
}

/** A reload may replace a resolver, but not add or remove it. */
export function resolverRefusal(before: ResolverOptions | null, after: ResolverOptions | null): string | null {
  return (before === null) === (after === null) ? null : "config reload not supported for moving to or from an account resolver";
}

/**
 * A reload may change only the TLS of a websocket block, and of that not whether there is TLS, the mapping of certificates to users, and the
 * pinned certificates. (The reference accepts that TLS is added, and goes on without.)
 */
export function websocketRefusal(before: WebSocketOptions | null, after: WebSocketOptions | null): string | null {
  const comparable = (options: WebSocketOptions | null) =>
    options === null ? null : { ...options, allowedOrigins: [...options.allowedOrigins].sort(), tls: ofCertificates(options.tls) };
  const sameBut = before === null || after === null || after.port !== 0 ? after : { ...after, port: before.port }; // 0 keeps the bound port
  if (isDeepStrictEqual(comparable(before), comparable(sameBut))) return null;
  return reloadRefusal("Websocket", shownWebsocket(before), shownWebsocket(after));
}

const ofCertificates = (tls: TlsOptions | null) => [tls !== null, tls?.mapsCertificate ?? false, tls?.pinnedCerts ?? []];

/** The reference shows 0 when no time is given. */
function shownHandshakeTimeout(options: WebSocketOptions | null): string {
  const timeout = options?.handshakeTimeoutMs ?? 0;
  return goDuration(timeout === WEBSOCKET_DEFAULTS.handshakeTimeoutMs ? 0 : timeout * 1e6);
}

/** The reference prints its whole struct with secrets and memory addresses. Here secrets are masked and addresses omitted. */
function shownWebsocket(options: WebSocketOptions | null): string {
  const masked = (secret: string | undefined) => (secret ? "[REDACTED]" : "");
  const pinned = Object.fromEntries((options?.tls?.pinnedCerts ?? []).map(digest => [digest, "{}"]));
  return goStruct([
    options?.host ?? "",
    options?.port ?? 0,
    options?.advertise,
    options?.noAuthUser,
    options?.jwtCookie,
    options?.userCookie,
    options?.passwordCookie,
    options?.tokenCookie,
    options?.authorization?.user,
    masked(options?.authorization?.password),
    masked(options?.authorization?.token),
    (options?.authTimeoutMs ?? 0) / 1_000,
    options?.noTls ?? false,
    "<nil>", // TLSConfig
    options?.tls?.mapsCertificate ?? false,
    pinned,
    options?.sameOrigin ?? false,
    options?.allowedOrigins ?? [],
    options?.compression ?? false,
    shownHandshakeTimeout(options),
    goDuration((options?.pingIntervalMs ?? 0) * 1e6),
    options?.headers ?? {},
    "<nil>", // tlsConfigOpts
  ]);
}
