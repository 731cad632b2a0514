/**
 * Every field of the configuration file: all its names are read, they set the right options, and wrong values give the texts of
 * nats-server 2.15.3.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeNkey, NkeyKind } from "../../src/base/keys/nkey.ts";
import { TLS_FIELDS } from "../../src/config/schema/block/tls-block.ts";
import { WEBSOCKET_FIELDS } from "../../src/config/schema/block/websocket-block.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { FILE_FIELDS, loadConfigFile } from "../../src/config/schema/load-config.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { ConfigErrors, OptionError } from "../../src/config/schema/row/problems.ts";
import { emptyServerAccount } from "../../src/config/schema/server-account.ts";
import { MISSING_FIELDS } from "../../src/config/schema/table/missing.ts";
import { WEBSOCKET_DEFAULTS, type WebSocketOptions } from "../../src/config/schema/websocket-options.ts";
import { JETSTREAM_OFF } from "../../src/jetstream/config/jetstream-options.ts";
import { TLS_DEFAULTS, type TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { answerOfReference, comparable, Recording } from "../reference/recording.ts";
import { ACCOUNT_ID, accountJwt, operatorJwt } from "./config-tokens.ts";
import { isFoundAtStart, verdictOn } from "./reference-check.ts";

const it = new Recording(import.meta.path);

interface Case {
  /** A good value, as written. */
  readonly good: string;
  /** The options that it sets. */
  readonly options: Partial<Options>;
  /** Values that are refused. */
  readonly wrong?: readonly string[];
  /** The reference does not have the field, so the reports of ours are not compared. */
  readonly oursAlone?: true;
}

const NOT_TEXT = ["5", "true", "[a]", "{ a: 1 }", "1.5"];
const NOT_INTEGER = ['"x"', "true", "1.5", "[a]", "{ a: 1 }"];
const NOT_BOOLEAN = ['"true"', "1", "[a]"];
const NOT_DURATION = ['"x"', '"5"', "5y", "true", "[a]", "1.5"];
const KIB = 1_024;

const text = (good: string, options: Partial<Options>): Case => ({ good, options, wrong: NOT_TEXT });
const integer = (good: string, options: Partial<Options>): Case => ({ good, options, wrong: NOT_INTEGER });
const boolean = (options: Partial<Options>): Case => ({ good: "true", options, wrong: NOT_BOOLEAN });
const duration = (good: string, options: Partial<Options>): Case => ({ good, options, wrong: NOT_DURATION });
const listener = (good: string, options: Partial<Options>): Case => ({ good, options, wrong: ["true", "1.5", '"x"', '"h:x"', "[a]"] });

const ACCOUNT_NKEY = encodeNkey(NkeyKind.Account, new Uint8Array(32).fill(1));
const OPERATOR_NKEY = encodeNkey(NkeyKind.Operator, new Uint8Array(32).fill(2));
const JWT = operatorJwt();

/** Cases by the first name of the field. */
const CASES: Readonly<Record<string, Case>> = {
  host: text("127.0.0.1", { host: "127.0.0.1" }),
  port: integer("5222", { port: 5_222 }),
  listen_unix: {
    good: "{ path: /run/n.sock, mode: 0700 }",
    options: { listenUnix: { path: "/run/n.sock", mode: 0o700 } },
    wrong: ["5", "{ mode: 0700 }", "{ path: /run/n.sock, mode: 0888 }", "{ path: /run/n.sock, owner: root }"],
    oursAlone: true,
  },
  client_advertise: text("h:1", { clientAdvertise: "h:1" }),
  server_name: { good: "me", options: { serverName: "me" }, wrong: [...NOT_TEXT, '"a b"'] },
  server_tags: { good: '["A", " b ", a]', options: { serverTags: ["a", "b"] }, wrong: ["5 ", "[5 ]", "{ a: 1 }"] },
  server_metadata: { good: "{ a: b }", options: { serverMetadata: { a: "b" } }, wrong: ["5", "{ a: 5 }", "[a]"] },
  feature_flags: { good: "{ a: true }", options: { featureFlags: { a: true } }, wrong: ["5", "{ a: 5 }", "[a]"] },
  pid_file: text("/p", { pidFile: "/p" }),
  ports_file_dir: text("/d", { portsFileDirectory: "/d" }),
  lame_duck_duration: { good: '"45s"', options: { lameDuckDurationMs: 45_000 }, wrong: ['"29.9s"', '"x"', "60", "true", '"-1m"'] },
  lame_duck_grace_period: { good: '"3s"', options: { lameDuckGraceMs: 3_000 }, wrong: ['"-1s"', '"x"', "60", "true"] },
  default_js_domain: { good: "{ A: d }", options: { defaultJsDomain: { A: "d" } }, wrong: ["5", "[a]"] },
  connect_error_reports: integer("7", { connectErrorReports: 7 }),
  reconnect_error_reports: integer("7", { reconnectErrorReports: 7 }),
  prof_port: integer("6060", { profilingPort: 6_060 }),
  prof_block_rate: integer("5", { profilingBlockRate: 5 }),
  http_port: integer("-1", { httpPort: 0 }),
  http_base_path: text("nats/", { httpBasePath: "/nats" }),
  https_port: integer("8443", { httpsPort: 8_443 }),
  max_control_line: { ...integer("1kb", { controlLineBytesMax: KIB }), wrong: [...NOT_INTEGER, "2147483648"] },
  max_payload: { ...integer("2MB", { payloadBytesMax: 2 * KIB * KIB }), wrong: [...NOT_INTEGER, "3g"] },
  max_pending: integer("1g", { pendingBytesMax: 1e9 }),
  max_connections: integer("0", { connectionsMax: -1 }),
  max_subscriptions: integer("9", { subscriptionsMax: 9 }),
  max_subscription_tokens: { ...integer("9", { subscriptionTokensMax: 9 }), wrong: [...NOT_INTEGER, "0", "-1", "256"] },
  ping_interval: duration('"90s"', { pingIntervalMs: 90_000 }),
  ping_max: integer("9", { pingsOutMax: 9 }),
  write_deadline: duration("2s", { writeDeadlineMs: 2_000 }),
  write_timeout: { good: "close", options: { writeTimeout: "close" }, wrong: ["x", "5", "true"] },
  max_closed_clients: integer("9", { closedClientsMax: 9 }),
  no_header_support: boolean({ headers: false }),
  disable_sublist_cache: boolean({ sublistCache: false }),
  no_fast_producer_stall: boolean({ fastProducerStall: false }),
  tls: { good: "{ timeout: 3 }", options: { tls: { ...TLS_DEFAULTS, timeoutMs: 3_000 } }, wrong: ["5", "x", "[a]"] },
  allow_non_tls: boolean({ allowNonTls: true }),
  ocsp: { good: "{ mode: never }", options: { ocspStapling: "never" }, wrong: ["5", "x", "[a]", "{ mode: 5 }", "{ urls: [a] }"] },
  ocsp_cache: {
    good: "{ type: LOCAL, local_store: d, preserve_revoked: true, save_interval: 10.7 }",
    options: { ocspCache: { type: "local", localStore: "d", preserveRevoked: true, saveIntervalMs: 10_000 } },
    wrong: ["{ type: 5 }", "{ type: x }", "{ local_store: 5 }", "{ preserve_revoked: 5 }", "{ save_interval: x }", "{ foo: 1 }"],
  },
  proxy_protocol: boolean({ proxyProtocol: true }),
  websocket: {
    good: '{ port: 8080, no_tls: true, host: "127.0.0.1" }',
    options: { websocket: { ...WEBSOCKET_DEFAULTS, port: 8_080, noTls: true, host: "127.0.0.1" } },
    wrong: ["5", "x", "[a]", "{ foo: 1 }"],
  },
  debug: boolean({ debug: true }),
  trace: boolean({ trace: true }),
  max_traced_msg_len: integer("9", { tracedBytesMax: 9 }),
  logtime: { good: "false", options: { logTime: false }, wrong: NOT_BOOLEAN },
  logtime_utc: boolean({ logTimeUtc: true }),
  log_file: text("/l", { logFile: "/l" }),
  log_size_limit: integer("1mb", { logSizeLimit: KIB * KIB }),
  log_max_num: integer("9", { logFilesMax: 9 }),
  syslog: boolean({ syslog: true }),
  remote_syslog: text("udp://h:514", { remoteSyslog: "udp://h:514" }),
  log_format: { good: "json", options: { logFormat: "json" }, wrong: ["xml", "5"], oursAlone: true },
  metrics_prefix: { good: "nats", options: { metricsPrefix: "nats" }, wrong: ["a-b", "5"], oursAlone: true },
  prof_remote: { good: "true", options: { profilingRemote: true }, wrong: NOT_BOOLEAN, oursAlone: true },
  log_level_override: {
    good: "{ client: trace }",
    options: { logLevelOverrides: { client: "trace" } },
    wrong: ["trace", "{ client: loud }", "{ nothing: trace }"],
    oursAlone: true,
  },
  listen: listener('"[::1]:-1"', { host: "::1", port: 0 }),
  http: listener("127.0.0.1:8222", { httpHost: "127.0.0.1", httpPort: 8_222 }),
  https: listener("8443", { httpsPort: 8_443 }),
  trace_verbose: boolean({ trace: true, traceVerbose: true }),
  trace_headers: boolean({ trace: true, traceHeaders: true }),
  accounts: {
    good: `{ A { nkey: ${ACCOUNT_NKEY}, default_permissions { publish: x } } }`,
    options: {
      accounts: [
        {
          ...emptyServerAccount("A"),
          nkey: ACCOUNT_NKEY,
          defaultPermissions: { publish: { allow: ["x"], deny: null }, subscribe: null, responses: null },
        },
      ],
    },
    wrong: ["{ A: 5 }", '["$G"]', "[A, A]", "{ A { foo: 1 } }"],
  },
  mappings: {
    good: "{ a: [ { destination: b, weight: 50%, cluster: c } ] }",
    options: { mappings: [{ source: "a", destinations: [{ subject: "b", weight: 50, cluster: "c" }] }] },
    wrong: ["5", "{ a: 5 }", '{ "a..b": c }'],
  },
  system_account: { good: "A", options: { systemAccount: "A" }, wrong: ["5", "true"] },
  no_system_account: boolean({ noSystemAccount: true }),
  no_auth_user: text("a", { noAuthUser: "a" }),
  proxies: {
    good: `{ trusted: [ { key: ${ACCOUNT_NKEY} } ] }`,
    options: { trustedProxies: [ACCOUNT_NKEY] },
    wrong: ["5", "{ trusted: 5 }", "{ trusted: [ { key: x } ] }", "{ foo: 1 }"],
  },
  operator: { good: JWT, options: { operators: [JWT] }, wrong: ["/no/such/file", "5", "eyJ"] },
  trusted_keys: { good: `[ ${OPERATOR_NKEY} ]`, options: { trustedKeys: [OPERATOR_NKEY] }, wrong: ["5", "x", "[true ]"] },
  resolver: { good: '"URL(http://h/a)"', options: { resolver: { kind: "url", url: "http://h/a/" } }, wrong: ["5", "x", "{ type: x }"] },
  resolver_tls: { good: "{ timeout: 3 }", options: { resolverTls: { ...TLS_DEFAULTS, timeoutMs: 3_000 } }, wrong: ["5", "{ foo: 1 }"] },
  resolver_preload: {
    good: `{ ${ACCOUNT_ID}: ${accountJwt()} }`,
    options: { resolverPreload: { [ACCOUNT_ID]: accountJwt() } },
    wrong: ["5", "{ A: 5 }", "{ A: b }"],
  },
  resolver_pinned_accounts: { good: "[A, B]", options: { pinnedAccounts: ["A", "B"] }, wrong: ["5", "[true ]"] },
  default_sentinel: text("j", { defaultSentinel: "j" }),
  authorization: {
    good: "{ username: a, pass: b, timeout: 1.5 }",
    options: { authorization: { user: "a", password: "b" }, authTimeoutMs: 1_500 },
    wrong: [
      "5",
      "{ user: 5 }",
      "{ pass: 5 }",
      "{ token: 5 }",
      "{ user: a, token: b }",
      "{ timeout: x }",
      "{ timeout: true }",
      "{ foo: 1 }",
    ],
  },
  jetstream: { good: "{ enabled: false }", options: { jetStream: JETSTREAM_OFF }, wrong: ["5", "[a]", "x", "{ foo: 1 }"] },
  store_dir: { good: "/d", options: { storeDirectory: "/d" }, wrong: NOT_TEXT },
  cluster: {
    good: "{ name: c }",
    options: { clusterName: "c" },
    wrong: ["5", "{ name: 5 }", '{ name: "a b" }', "{ name: _ }", "{ foo: 1 }"],
  },
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "bunats-fields-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileWith(config: string): string {
  const file = join(directory, "server.conf");
  writeFileSync(file, config);
  return file;
}

/** Our report on a file, sorted and without our hints; empty when the file is valid. */
function ours(file: string): string[] {
  try {
    const { options, warnings } = loadConfigFile(file, {});
    if (warnings.length === 0) completeOptions(options);
    return [...warnings];
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    if (!(error instanceof ConfigErrors)) return isFoundAtStart(error.message) ? [] : [error.message];
    return error.lines.map(line => line.replace(/; did you mean .*/, "")).sort();
  }
}

function theirs(file: string): string[] {
  const { digest, text: reported } = verdictOn(file);
  const lines = digest === null ? reported.trimEnd().split("\n").sort() : [];
  return lines.filter(line => !line.endsWith(GO_PANIC));
}

/** A line that only the reference has: it panics where a block is not a map. */
const GO_PANIC = "runtime error: invalid memory address or nil pointer dereference";

const working = FILE_FIELDS.filter(({ missing }) => missing === null);

test("every field has a case here", () => {
  expect(working.map(({ names }) => names[0]!).filter(name => !(name in CASES))).toEqual([]);
});

for (const { names } of working) {
  const { good, options, wrong = [], oursAlone = false } = CASES[names[0]!]!;
  test(`${names.join(", ")}: read by every name, in upper and lower case`, () => {
    for (const name of [...names, names[0]!.toUpperCase()]) {
      expect(loadConfigFile(fileWith(`${name}: ${good}`), {}).options, name).toEqual(options);
    }
  });
  if (oursAlone) {
    test(`${names[0]}: wrong values are refused`, () => {
      for (const value of wrong) expect(ours(fileWith(`${names[0]}: ${value}\n`)), value).not.toEqual([]);
    });
    continue;
  }
  it.compared(`${names[0]}: the reference accepts it too, and reports the same about wrong values`, async () => {
    const fileOf = (value: string) => fileWith(`# why\n  ${names[0]}: ${value}\n`);
    const reference = await answerOfReference(() => ({
      good: names.flatMap(name => theirs(fileWith(`${name}: ${good}`))),
      wrong: wrong.map(value => theirs(fileOf(value))),
    }));
    expect(names.flatMap(name => comparable(ours(fileWith(`${name}: ${good}`))))).toEqual(reference.good);
    for (const [at, value] of wrong.entries()) {
      const reported = comparable(ours(fileOf(value)));
      expect(reported, value).not.toEqual([]);
      const same = names[0] === "ocsp" ? placeless : (line: string) => line; // there the reference gives the place of the block
      expect(reported.map(withoutAdditions).map(same), value).toEqual(reference.wrong[at]!.map(same));
    }
  });
}

/** Removes the written value, which ours adds where the reference prints only its type. */
function withoutAdditions(line: string): string {
  return line.replace(/(unsupported (?:ocsp mode|field) string) \(.*\)$/, "$1");
}

/** Compares a field within a block: both accept the good value, and report the same about the wrong ones. */
async function compareBlock(block: string, name: string, good: string, wrong: readonly string[]): Promise<void> {
  const fileOf = (value: string) => fileWith(`${block} {\n  ${name}: ${value}\n}`);
  const reference = await answerOfReference(() => ({
    good: theirs(fileWith(`${block} { ${name}: ${good} }`)),
    wrong: wrong.map(value => theirs(fileOf(value))),
  }));
  expect(comparable(ours(fileWith(`${block} { ${name}: ${good} }`)))).toEqual(reference.good);
  for (const [at, value] of wrong.entries()) {
    const reported = comparable(ours(fileOf(value)));
    expect(reported, value).not.toEqual([]);
    expect(reported, value).toEqual(reference.wrong[at]!);
  }
}

const tls = (options: Partial<TlsOptions>): TlsOptions => ({ ...TLS_DEFAULTS, ...options });
const DIGEST = "ab".repeat(32);

/** Fields of a tls block: a good value, the options that it sets, and refused values. */
const TLS_CASES: Readonly<Record<string, readonly [good: string, options: Partial<TlsOptions>, wrong: readonly string[]]>> = {
  verify: ["true", { verify: true }, ["5", "x"]],
  verify_and_map: ["true", { verify: true, mapsCertificate: true }, ["5", "x"]],
  verify_cert_and_check_known_urls: ["false", {}, ["5", "true"]],
  insecure: ["true", { insecure: true }, ["5"]],
  min_version: ['"1.3"', { minVersion: "1.3" }, ['"1.0"', '"1.1"', '"1.4"', "1.3", "5"]],
  cipher_suites: [
    "[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]",
    { cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"] },
    ["[]", "[x]", "x", "[true ]", "[TLS_RSA_WITH_AES_128_CBC_SHA]"],
  ],
  curve_preferences: ["[X25519, CurveP384]", { curvePreferences: ["X25519", "CurveP384"] }, ["[]", "[x]", "x"]],
  allow_insecure_cipher_suites: ["true", { allowInsecureCipherSuites: true }, ["5"]],
  timeout: ['"1.5s"', { timeoutMs: 1_500 }, ["x", "true"]],
  connection_rate_limit: ["9", { connectionRateLimit: 9 }, ["x", "1.5"]],
  pinned_certs: [`["${DIGEST.toUpperCase()}"]`, { pinnedCerts: [DIGEST] }, ["x", "[x]", `["${DIGEST}0"]`, "[true ]"]],
  handshake_first: ["auto", { handshakeFirst: true, handshakeFirstFallbackMs: 50 }, ["x", "5", "1.5"]],
  ocsp_peer: [
    "{ verify: true, ca_timeout: 1.5, allowed_clockskew: 5, warn_only: true, cache_ttl_when_next_update_unset: 60s }",
    {
      ocspPeer: {
        caTimeoutMs: 1_500,
        allowedClockSkewMs: 5_000,
        warnOnly: true,
        unknownIsGood: false,
        allowWhenCaUnreachable: false,
        cacheTtlWhenNextUpdateUnsetMs: 60_000,
      },
    },
    [],
  ],
};

for (const [name, [good, options, wrong]] of Object.entries(TLS_CASES)) {
  const { names } = TLS_FIELDS.find(field => field.names[0] === name)!;
  test(`tls { ${names.join(", ")} }: read by every name`, () => {
    for (const alias of names)
      expect(loadConfigFile(fileWith(`tls { ${alias}: ${good} }`), {}).options, alias).toEqual({ tls: tls(options) });
  });
  it.compared(`tls { ${name} }: the reference reports the same about wrong values`, () => compareBlock("tls", name, good, wrong));
}

test("handshake_first is a boolean, a word or a duration", () => {
  const words: [string, boolean, number][] = [
    ["true", true, 0],
    ['"on"', true, 0],
    ["off", false, 0],
    ["auto_fallback", true, 50],
    ["300ms", true, 300],
  ];
  for (const [word, handshakeFirst, handshakeFirstFallbackMs] of words) {
    expect(loadConfigFile(fileWith(`tls { first: ${word} }`), {}).options.tls, word).toEqual(
      tls({ handshakeFirst, handshakeFirstFallbackMs }),
    );
  }
});

test("suites and curves that Go has and Bun does not support are refused by name", () => {
  const refused = (block: string) => ours(fileWith(`tls { ${block} }`)).join("\n");
  expect(refused("allow_insecure_cipher_suites: true, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]")).toContain(
    "cipher TLS_RSA_WITH_RC4_128_SHA is not supported",
  );
  expect(refused("curve_preferences: [SecP384r1MLKEM1024]")).toContain("curve preference SecP384r1MLKEM1024 is not supported");
});

const TLS_FILES: readonly (readonly [what: string, block: string])[] = [
  ["a certificate without its key", "cert_file: a"],
  ["a key without its certificate", "key_file: a"],
  ["missing files", "cert_file: /no/such/a, key_file: /no/such/b"],
  ["a file without a certificate", "cert_file: $conf, key_file: $conf"],
  ["a missing file of authorities", "ca_file: /no/such/ca"],
  ["a file without authorities", "ca_file: $conf"],
  ["a pair without key", "certs: [{ cert_file: a }]"],
  ["missing pairs", "certs: [{ cert_file: /no/a, key_file: /no/b }, { cert_file: /no/c, key_file: /no/d }]"],
  ["certs and cert_file at once", "certs: [{ cert_file: a, key_file: b }], cert_file: a, key_file: b"],
  ["an unknown field", "foo: 1"],
];

for (const [what, block] of TLS_FILES) {
  it.compared(`tls: the reference reports the same about ${what}`, async () => {
    const file = fileWith("");
    writeFileSync(file, `tls { ${block.replaceAll("$conf", file)} }`);
    const reported = comparable(ours(file));
    expect(reported).not.toEqual([]);
    // The reference gives the place of a random field.
    expect(reported.map(placeless)).toEqual(await answerOfReference(() => theirs(file).map(placeless)));
  });
}

function placeless(line: string): string {
  return line.replace(/:\d+:\d+: /, ": ");
}

const ws = (options: Partial<WebSocketOptions>): WebSocketOptions => ({ ...WEBSOCKET_DEFAULTS, port: 80, ...options });
const WEBSOCKET_CASES: Readonly<Record<string, readonly [good: string, options: Partial<WebSocketOptions>, wrong: readonly string[]]>> = {
  listen: ["h:81", { host: "h", port: 81 }, ["x", "true"]],
  port: ["81", { port: 81 }, ["x"]],
  host: ["h", { host: "h" }, ["5"]],
  advertise: ["h:1", { advertise: "h:1" }, ["5"]],
  no_tls: ["true", { noTls: true }, ["5"]],
  tls: ["{ timeout: 3 }", { tls: tls({ timeoutMs: 3_000 }) }, ["5"]],
  same_origin: ["true", { sameOrigin: true }, ["5"]],
  allowed_origins: ["[http://a]", { allowedOrigins: ["http://a"] }, ["5", "[true, x]", "{ a: 1 }"]],
  handshake_timeout: ["5", { handshakeTimeoutMs: 5_000 }, ["x", "true"]],
  compression: ["true", { compression: true }, ["5"]],
  authorization: ["{ token: t, timeout: 5 }", { authorization: { token: "t" }, authTimeoutMs: 5_000 }, ["5", "{ user: 5 }", "{ foo: 1 }"]],
  no_auth_user: ["a", { noAuthUser: "a" }, ["5"]],
  jwt_cookie: ["c", { jwtCookie: "c" }, ["5"]],
  user_cookie: ["c", { userCookie: "c" }, ["5"]],
  pass_cookie: ["c", { passwordCookie: "c" }, ["5"]],
  token_cookie: ["c", { tokenCookie: "c" }, ["5"]],
  headers: ["{ a: b }", { headers: { a: "b" } }, ["5", "{ a: 5 }"]],
  ping_interval: ['"9s"', { pingIntervalMs: 9_000 }, ["x", "true"]],
};

for (const [name, [good, options, wrong]] of Object.entries(WEBSOCKET_CASES)) {
  const { names } = WEBSOCKET_FIELDS.find(field => field.names[0] === name)!;
  test(`websocket { ${names.join(", ")} }: read by every name`, () => {
    for (const alias of names) {
      const file = fileWith(`websocket { port: 80, ${alias}: ${good} }`);
      expect(loadConfigFile(file, {}).options, alias).toEqual({ websocket: ws(options) });
    }
  });
  it.compared(`websocket { ${name} }: the reference reports the same about wrong values`, () =>
    compareBlock("websocket", name, good, wrong),
  );
}

test("every field of tls and websocket has a case here", () => {
  const missing = TLS_FIELDS.filter(field => field.missing === null).map(({ names }) => names[0]!);
  expect(missing.filter(name => !(name in TLS_CASES) && !["cert_file", "key_file", "ca_file", "certs"].includes(name))).toEqual([]);
  const others = WEBSOCKET_FIELDS.filter(field => field.missing === null).map(({ names }) => names[0]!);
  expect(others.filter(name => !(name in WEBSOCKET_CASES))).toEqual([]);
});

test("without a port there is no WebSocket listener", () => {
  expect(loadConfigFile(fileWith("websocket { no_tls: true }"), {}).options).toEqual({ websocket: null });
});

/** Values that turn a feature on, and values that leave it off. */
const ON_AND_OFF: Readonly<Record<string, readonly [on: string, off: string]>> = {
  leafnodes: ["{ remotes: [ { url: x } ] }", '{ remotes: [], host: h, port: 0, ping_interval: "5s", ping_max: 3 }'],
  gateway: ["{ name: g }", '{ host: h, ping_interval: "5s" }'],
  mqtt: ["{ port: 1883 }", '{ host: h, ack_wait: "5s" }'],
};

for (const { names, missing } of MISSING_FIELDS) {
  test(`${names.join(", ")}: refused by name unless the feature is off (${missing})`, () => {
    const [on, off] = ON_AND_OFF[names[0]!] ?? ["[ { a: 1 } ]", "[]"];
    for (const name of names) {
      const file = fileWith(`\n${name}: ${on}`);
      expect(ours(file)).toEqual([`${file}:2:1: "${name}" is not supported yet (${missing})`]);
      expect(ours(fileWith(`${name}: ${off}`)), name).toEqual([]);
    }
  });
}

it.compared("blocks that ask for nothing are read as by the reference", async () => {
  const configs = [
    "leafnodes { remotes: [] }",
    "leafnodes { foo: 1 }",
    "leafnodes { ping_interval: 5 }",
    "leafnodes { ping_max: x }",
    "mqtt { ack_wait: x }",
    "gateway { ping_interval: true }",
  ];
  const reference = await answerOfReference(() => configs.map(config => theirs(fileWith(config))));
  expect(configs.map(config => comparable(ours(fileWith(config))))).toEqual(reference);
});

test("only OCSP modes that need no stapling are accepted", () => {
  for (const mode of ["true", "false", "{ mode: AUTO, url: u }"]) expect(ours(fileWith(`ocsp: ${mode}`)), mode).toEqual([]);
  for (const mode of ["always", "Must"]) expect(ours(fileWith(`ocsp { mode: ${mode} }`)).join()).toContain("this server cannot staple");
});

test("the error of an unknown field suggests the nearest known one; a field that a variable refers to is no error", () => {
  const file = fileWith("max_payloda: 5\ntls { verfy: true }\nwebsocket { prot: 5 }\nqqqqqqq: 1\nmine: 9\nport: $mine");
  expect(() => loadConfigFile(file, {})).toThrow(ConfigErrors);
  try {
    loadConfigFile(file, {});
  } catch (error) {
    expect((error as ConfigErrors).lines).toEqual([
      `${file}:1:0: unknown field "max_payloda"; did you mean "max_payload"?`,
      `${file}:2:7: error parsing tls config, unknown field "verfy"; did you mean "verify"?`,
      `${file}:3:13: unknown field "prot"; did you mean "port"?`,
      `${file}:4:1: unknown field "qqqqqqq"`,
    ]);
  }
});

it.compared("a long authorization timeout gives a warning: 1m without quotes is a million seconds", async () => {
  const file = fileWith("authorization { timeout: 1m }");
  expect(ours(file).join()).toContain('invalid use of field "timeout": timeout of 1000000 (1000000.000000 seconds) is high');
  expect(comparable(ours(file))).toEqual(await answerOfReference(() => theirs(file)));
});

test("integers beyond 2^53 become the largest safe integer", () => {
  expect(loadConfigFile(fileWith("max_pending: 9223372036854775807"), {}).options.pendingBytesMax).toBe(Number.MAX_SAFE_INTEGER);
});
