/** Options about who may connect and how: authentication, TLS, OCSP, the WebSocket listener, PROXY headers. */

import type { Authorization } from "../../../auth/users/authorization.ts";
import type { OcspCacheRules } from "../../../wire/transport/tls/ocsp/ocsp-rules.ts";
import type { TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import { OCSP_CACHE_FIELDS, OCSP_FIELDS, type OcspStapling, ocspBlock, ocspCacheBlock } from "../block/ocsp-block.ts";
import { TLS_FIELDS, tlsBlock, tlsFault } from "../block/tls-block.ts";
import { WEBSOCKET_FIELDS, websocketBlock } from "../block/websocket-block.ts";
import { authorizationShape } from "../given/account-shape.ts";
import * as given from "../given/shape.ts";
import { ocspCacheShape, tlsShape, websocketShape } from "../given/tls-shape.ts";
import { authorizationRefusal, tlsRefusal, websocketRefusal } from "../reload/reload-refusal.ts";
import { textFlag } from "../row/flag-row.ts";
import { option } from "../row/option-row.ts";
import { boolean } from "../row/reader.ts";
import type { WebSocketOptions } from "../websocket-options.ts";

export const SECURITY_OPTIONS = {
  authorization: option<Authorization | null>({
    names: "",
    reader: null,
    given: authorizationShape,
    initial: null,
    text: "logins: a user and password, a token, or `users` of `$G`; `defaultPermissions`, `callout`, `proxyRequired`",
    flags: [
      textFlag("user", "Authorization", "user", "User required for connections", (user, before) => ({ ...before, user })),
      textFlag("pass", "Authorization", "password", "Password required for connections", (password, before) => ({ ...before, password })),
      textFlag("auth", "Authorization", "token", "Authorization token required for connections", (token, before) => ({ ...before, token })),
    ],
    reload: "live",
    reloadText: "live, except auth_callout and proxy_required",
    goName: "Authorization",
    refuse: authorizationRefusal,
  }),
  authTimeoutMs: option<number>({
    names: "",
    reader: null,
    given: given.integer,
    initial: 2_000,
    zeroIsDefault: true,
    text: "time a client has to authenticate, ms; with TLS the default is one second more than the TLS timeout",
    reload: "live",
    goName: "AuthTimeout",
  }),
  tls: option<TlsOptions | null>({
    names: "tls",
    reader: tlsBlock,
    given: tlsShape,
    initial: null,
    check: tlsFault,
    text: "TLS of the client listener, and of https monitoring",
    fields: TLS_FIELDS,
    reload: "live",
    reloadText: "live, except verify_and_map and connection_rate_limit",
    goName: "TLSConfig",
    refuse: tlsRefusal,
  }),
  allowNonTls: option<boolean>({
    names: "allow_non_tls",
    reader: boolean,
    initial: false,
    text: "clients may connect without TLS",
    reload: "fixed",
    goName: "AllowNonTLS",
  }),
  ocspStapling: option<OcspStapling>({
    names: "ocsp",
    reader: ocspBlock,
    initial: "auto",
    text: "OCSP stapling, which is not supported: only modes that work without it",
    fields: OCSP_FIELDS,
    reload: "live",
    goName: "OCSPConfig",
  }),
  ocspCache: option<OcspCacheRules | null>({
    names: "ocsp_cache",
    reader: ocspCacheBlock,
    given: ocspCacheShape,
    initial: null,
    text: "cache of OCSP responses about peers",
    fields: OCSP_CACHE_FIELDS,
    reload: "live",
    goName: "OCSPCacheConfig",
  }),
  proxyProtocol: option<boolean>({
    names: "proxy_protocol",
    reader: boolean,
    initial: false,
    text: "expect PROXY headers on the client port",
    reload: "fixed",
    goName: "ProxyProtocol",
  }),
  websocket: option<WebSocketOptions | null>({
    names: "websocket ws",
    reader: websocketBlock,
    given: websocketShape,
    initial: null,
    text: "WebSocket listener",
    fields: WEBSOCKET_FIELDS,
    reload: "live",
    reloadText: "only its tls",
    goName: "Websocket",
    refuse: websocketRefusal,
  }),
};
