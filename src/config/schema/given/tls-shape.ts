/** TLS, OCSP and the WebSocket listener as given by a program. */
import {
  OCSP_CACHE_DEFAULTS,
  OCSP_PEER_DEFAULTS,
  type OcspCacheRules,
  type OcspPeerRules,
} from "../../../wire/transport/tls/ocsp/ocsp-rules.ts";
import { type KeyPairFiles, TLS_DEFAULTS, type TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../websocket-options.ts";
import { loginShape } from "./account-shape.ts";
import { boolean, integer, listOf, mapOf, natural, objectOf, orNull, port, text, wordOf } from "./shape.ts";

const ocspPeer = objectOf<OcspPeerRules>(OCSP_PEER_DEFAULTS, {
  caTimeoutMs: natural,
  allowedClockSkewMs: natural,
  warnOnly: boolean,
  unknownIsGood: boolean,
  allowWhenCaUnreachable: boolean,
  cacheTtlWhenNextUpdateUnsetMs: natural,
});

export const tlsShape = orNull(
  objectOf<TlsOptions>(TLS_DEFAULTS, {
    certificates: listOf(objectOf<KeyPairFiles>({ certFile: "", keyFile: "" }, { certFile: text, keyFile: text })),
    caFile: orNull(text),
    verify: boolean,
    verifyOptional: boolean,
    mapsCertificate: boolean,
    insecure: boolean,
    timeoutMs: integer,
    pinnedCerts: listOf(text),
    minVersion: wordOf("1.2", "1.3"),
    cipherSuites: listOf(text),
    curvePreferences: listOf(text),
    allowInsecureCipherSuites: boolean,
    connectionRateLimit: integer,
    handshakeFirst: boolean,
    handshakeFirstFallbackMs: natural,
    ocspPeer: orNull(ocspPeer),
  }),
);

export const ocspCacheShape = orNull(
  objectOf<OcspCacheRules>(OCSP_CACHE_DEFAULTS, {
    type: wordOf("none", "local"),
    localStore: text,
    preserveRevoked: boolean,
    saveIntervalMs: natural,
  }),
);

export const websocketShape = orNull(
  objectOf<WebSocketOptions>(WEBSOCKET_DEFAULTS, {
    host: text,
    port,
    advertise: orNull(text),
    noTls: boolean,
    tls: tlsShape,
    sameOrigin: boolean,
    allowedOrigins: listOf(text),
    handshakeTimeoutMs: integer,
    compression: boolean,
    authorization: loginShape,
    authTimeoutMs: orNull(integer),
    noAuthUser: orNull(text),
    jwtCookie: orNull(text),
    userCookie: orNull(text),
    passwordCookie: orNull(text),
    tokenCookie: orNull(text),
    headers: mapOf(text),
    pingIntervalMs: orNull(integer),
  }),
);
