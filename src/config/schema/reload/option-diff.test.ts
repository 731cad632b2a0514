import { expect, test } from "bun:test";
import { encodeNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { TLS_DEFAULTS, type TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import { completeOptions } from "../complete-options.ts";
import type { GivenOptions } from "../given/given-options.ts";
import { OPTIONS, type Options } from "../options.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../websocket-options.ts";
import { diffOptions } from "./option-diff.ts";

/** Name and refusal of every change. */
function changes(before: GivenOptions, after: GivenOptions): [string, string | null][] {
  return diffOptions(completeOptions(before), completeOptions(after)).map(({ name, refusal }) => [name, refusal]);
}

const refused = (goName: string, before: string, after: string) => `config reload not supported for ${goName}: old=${before}, new=${after}`;

test("options with equal values are not a change", () => {
  const options = { serverTags: ["a"], serverMetadata: { a: "1", b: "2" }, tls: { ...TLS_DEFAULTS, verify: true } };
  expect(changes(options, structuredClone(options))).toEqual([]);
  expect(changes({ serverMetadata: { a: "1", b: "2" } }, { serverMetadata: { b: "2", a: "1" } })).toEqual([]);
});

test("allowed changes have no refusal, the old and the new value, and the reference's order", () => {
  const before = completeOptions({});
  const after = completeOptions({ debug: true, payloadBytesMax: 2_000, serverTags: ["x"], authorization: { token: "t" } });
  const found = diffOptions(before, after);
  expect(found.map(({ name, before, after, refusal }) => ({ name, before, after, refusal }))).toEqual([
    { name: "debug", before: false, after: true, refusal: null },
    { name: "authorization", before: null, after: { token: "t" }, refusal: null },
    { name: "payloadBytesMax", before: 1_048_576, after: 2_000, refusal: null },
    { name: "serverTags", before: [], after: ["x"], refusal: null },
  ]);
  expect(found.at(-1)!.row.goName).toBe("Tags");
});

test("a change that needs a restart is refused with the reference's text and values as Go prints them", () => {
  const fixed: [Partial<Options>, string, string, string][] = [
    [{ host: "127.0.0.1" }, "Host", "0.0.0.0", "127.0.0.1"],
    [{ port: 4_333 }, "Port", "4222", "4333"],
    [{ serverName: "x" }, "ServerName", "", "x"],
    [{ pendingBytesMax: 2_000_000 }, "MaxPending", "67108864", "2000000"],
    [{ lameDuckDurationMs: 60_000 }, "LameDuckDuration", "2m0s", "1m0s"],
    [{ lameDuckGraceMs: 1_500 }, "LameDuckGracePeriod", "10s", "1.5s"],
    [{ headers: false }, "NoHeaderSupport", "false", "true"],
    [{ sublistCache: false }, "NoSublistCache", "false", "true"],
    [{ httpPort: 8_222 }, "HTTPPort", "0", "8222"],
    [{ httpHost: "h" }, "HTTPHost", "0.0.0.0", "h"],
    [{ writeTimeout: "close" }, "WriteTimeout", "", "close"],
    [{ featureFlags: { b: true, a: false } }, "FeatureFlags", "map[]", "map[a:false b:true]"],
    [{ defaultJsDomain: { $G: "d" } }, "JsAccDefaultDomain", "map[]", "map[$G:d]"],
    [{ logSizeLimit: 9 }, "LogSizeLimit", "0", "9"],
    [{ allowNonTls: true }, "AllowNonTLS", "false", "true"],
    [{ listenUnix: { path: "/p", mode: 0o770 } }, "ListenUnix", "", "{/p 0770}"],
  ];
  for (const [after, goName, was, is] of fixed)
    expect(changes({}, after).map(([, refusal]) => refusal)).toEqual([refused(goName, was, is)]);
});

test("port 0 keeps the bound port", () => {
  expect(changes({ port: 4_333 }, { port: 0 })).toEqual([]);
  expect(changes({ port: 0 }, { port: 4_333 })).toEqual([["port", refused("Port", "0", "4333")]]);
});

test("a reload can change all of tls except the mapping of certificates and the rate of handshakes", () => {
  const tls = (options: object) => ({ tls: { ...TLS_DEFAULTS, ...options } });
  expect(changes({}, tls({ verify: true, pinnedCerts: ["ab".repeat(32)], handshakeFirst: true }))).toContainEqual(["tls", null]);
  expect(changes(tls({}), tls({ mapsCertificate: true }))).toEqual([["tls", refused("TLSMap", "false", "true")]]);
  expect(changes(tls({}), tls({ connectionRateLimit: 5 }))).toEqual([["tls", refused("TLSRateLimit", "0", "5")]]);
});

test("a reload can change only the certificates of websocket; the refusal hides secrets", () => {
  const websocket = (options: Partial<WebSocketOptions>) => ({ websocket: { ...WEBSOCKET_DEFAULTS, port: 80, noTls: true, ...options } });
  const secure = (tls: Partial<TlsOptions>) => websocket({ tls: { ...TLS_DEFAULTS, ...tls } });
  expect(changes(secure({}), secure({ minVersion: "1.3", verifyOptional: true }))).toEqual([["websocket", null]]);
  expect(changes(websocket({}), secure({}))[0]![1]).toStartWith("config reload not supported for Websocket: ");
  expect(changes(websocket({ allowedOrigins: ["http://a", "http://b"] }), websocket({ allowedOrigins: ["http://b", "http://a"] }))).toEqual(
    [["websocket", null]],
  );
  expect(changes(websocket({}), websocket({ port: 0 }))).toEqual([["websocket", null]]);
  const [[, refusal]] = changes(websocket({}), websocket({ compression: true, authorization: { user: "ann", password: "secret" } }));
  expect(refusal).toStartWith("config reload not supported for Websocket: old={0.0.0.0 80 ");
  expect(refusal).toContain("ann [REDACTED]");
  expect(refusal).not.toContain("secret");
});

test("every row has the reference's name and a reload rule", () => {
  for (const [name, { goName, reload }] of Object.entries(OPTIONS)) {
    expect(goName, name).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(["live", "fixed"], name).toContain(reload);
  }
});

test("a reload can change accounts, users, mappings, proxies and preloaded JWTs", () => {
  const after = {
    accounts: [{ name: "A", users: [{ user: "a", password: "b" }] }],
    mappings: [{ source: "a", destinations: [{ subject: "b" }] }],
    authorization: { users: [{ user: "c" }] },
    trustedProxies: [encodeNkey(NkeyKind.Server, new Uint8Array(32).fill(9))],
    pinnedAccounts: ["A"],
  };
  expect(changes({}, after)).toEqual([
    ["authorization", null],
    ["accounts", null],
    ["mappings", null],
    ["trustedProxies", null],
    ["pinnedAccounts", null],
  ]);
  expect(changes(after, structuredClone(after))).toEqual([]);
});

test("a reload cannot change the callout service and proxy_required", () => {
  const issuer = encodeNkey(NkeyKind.Account, new Uint8Array(32).fill(9));
  const callout = { authorization: { callout: { issuer, authUsers: ["a", "b"] } } };
  expect(changes({ authorization: {} }, callout)).toEqual([
    ["authorization", refused("AuthCallout", "<nil>", `&{${issuer} $G [a b]  []}`)],
  ]);
  expect(changes({}, { authorization: { proxyRequired: true } })).toEqual([["authorization", refused("ProxyRequired", "false", "true")]]);
});

test("a reload can remove no_auth_user only together with its user, and cannot set another one", () => {
  const users = (...names: string[]) => ({ accounts: [{ name: "A", users: names.map(user => ({ user })) }] });
  const named = { ...users("a", "b"), noAuthUser: "a" };
  expect(changes(named, users("b"))).toEqual([
    ["accounts", null],
    ["noAuthUser", null],
  ]);
  expect(changes(named, users("a", "b"))).toEqual([["noAuthUser", refused("NoAuthUser", "a", "")]]);
  expect(changes(named, { ...named, noAuthUser: "b" })).toEqual([["noAuthUser", refused("NoAuthUser", "a", "b")]]);
  expect(changes(users("a", "b"), named)).toEqual([["noAuthUser", refused("NoAuthUser", "", "a")]]);
});

test("a reload cannot change the system account, but the name $SYS may be left out", () => {
  const accounts = [{ name: "$SYS" }, { name: "A" }];
  expect(changes({ accounts, systemAccount: "$SYS" }, { accounts })).toEqual([["systemAccount", null]]);
  expect(changes({ accounts }, { accounts, systemAccount: "$SYS" })).toEqual([]);
  expect(changes({}, { accounts })).toEqual([["accounts", null]]);
  expect(changes({ accounts, systemAccount: "A" }, { accounts })).toEqual([["systemAccount", refused("SystemAccount", "A", "")]]);
  expect(changes({}, { noSystemAccount: true })).toEqual([["noSystemAccount", refused("NoSystemAccount", "false", "true")]]);
});

test("a reload cannot change operators and trusted keys; it can replace a resolver, but not add or remove it", () => {
  const keys = [1, 2].map(fill => encodeNkey(NkeyKind.Operator, new Uint8Array(32).fill(fill))).sort();
  expect(changes({ trustedKeys: keys }, { trustedKeys: keys.toReversed() })).toEqual([]);
  expect(changes({ trustedKeys: [keys[1]!] }, { trustedKeys: keys })).toEqual([
    ["trustedKeys", refused("TrustedKeys", `[${keys[1]}]`, `[${keys.join(" ")}]`)],
  ]);
  const memory = { resolver: { kind: "memory" } as const };
  const url = { resolver: { kind: "url", url: "http://h/" } as const };
  expect(changes(memory, url)).toEqual([["resolver", null]]);
  const text = "config reload not supported for moving to or from an account resolver";
  expect(changes({}, memory)).toEqual([["resolver", text]]);
  expect(changes(memory, {})).toEqual([["resolver", text]]);
});
