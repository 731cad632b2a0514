/**
 * Accounts, users, permissions, exports, imports, mappings, callout, operators, resolvers and proxies in a file: small configurations,
 * which our server and nats-server 2.15.3 must report on with the same places and texts.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeNkey, NkeyKind } from "../../src/base/keys/nkey.ts";
import { Random } from "../../src/base/random/random.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";
import { ConfigErrors, OptionError } from "../../src/config/schema/row/problems.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { randomAccounts } from "./random-accounts.ts";
import { isFoundAtStart, startRefusal, verdictOn } from "./reference-check.ts";

const it = new Recording(import.meta.path);

const key = (kind: NkeyKind, fill: number) => encodeNkey(kind, new Uint8Array(32).fill(fill));
const ACCOUNT = key(NkeyKind.Account, 1);
const USER = key(NkeyKind.User, 2);
const OPERATOR = key(NkeyKind.Operator, 3);
const CURVE = key(NkeyKind.Curve, 4);

const permissions = (text: string) => `authorization { users: [ { user: a, permissions: { ${text} } } ] }`;
const user = (text: string) => `authorization { users: [ { ${text} } ] }`;
const account = (text: string) => `accounts { A { ${text} }, B {} }`;
const exported = (text: string) => account(`exports: [ { ${text} } ]`);
const imported = (text: string) => `accounts { A { exports: [ { stream: "s.>" }, { service: "q.>" } ] }, B { imports: [ { ${text} } ] } }`;
const callout = (text: string) => `authorization { auth_callout { ${text} } }`;
const mapped = (text: string) => `mappings { ${text} }`;
const CALLOUT = `issuer: ${ACCOUNT}, auth_users: [a]`;
const stored = (text: string) => `resolver { dir: $dir, ${text} }`;

/** Configurations with the same report from both, places included. `$dir` stands for a directory. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  users: [
    user("user: a, password: b"),
    user("username: a, pass: b, proxy_required: true"),
    user("USER: a"),
    user(`nkey: ${USER}`),
    user(`nkey: ${USER}, allowed_connection_types: [standard, Websocket]`),
    user(`nkey: ${ACCOUNT}`),
    user("nkey: UX"),
    user(`nkey: ${USER.slice(0, -1)}A`),
    user("password: a"),
    user(""),
    user("user: 5"),
    user("user: a, password: 5"),
    user("user: a, nkey: 5"),
    user("user: a, proxy_required: 5"),
    user("user: a, qqqq: 5"),
    user("user: a, permissions: 5"),
    user("user: a, connection_types: [foo, BAR]"),
    user("user: a, clients: foo"),
    user("user: a, clients: 5"),
    user("user: a, clients: [true, standard]"),
    user("user: a, clients: []"),
    "authorization { users: 5 }",
    "authorization { users: text }",
    "authorization { users: [ a ] }",
    "authorization { users: [] }",
    "authorization { users: [ { user: a }, { user: a } ] }",
    `authorization { users: [ { nkey: ${USER} }, { nkey: ${USER} } ] }`,
    "authorization { users: [ { user: a } ], user: b }",
    "authorization { users: [ { user: a } ], token: b }",
    "authorization { users: [], user: b }",
    "authorization { users: [], token: b }",
    "authorization { password: a, token: b }",
    "authorization { proxy_required: true }",
    "authorization { proxy_required: 5 }",
    'authorization { users: [ { user: a } ], default_permissions: { publish: "x" } }',
    "authorization { default_permission: 5 }",
    "me: a, authorization { users: [ { user: $me, password: $me } ] }",
    "authorization { users: [ { mine: a, user: $mine } ] }",
  ],
  permissions: [
    permissions(""),
    permissions("publish: {}"),
    permissions('publish: { allow: "a.>", deny: ["b.*", c] }'),
    permissions('pub: { allow: [] }, sub: { deny: ["a q", "b *.q"] }'),
    permissions("import: { allow: a }, export: { deny: b }"),
    permissions("publish: []"),
    permissions("publish: [a, b], subscribe: [c]"),
    permissions("publish: { allow: 5 }"),
    permissions("publish: { allow: { a: b } }"),
    permissions("publish: { allow: [5 ] }"),
    permissions("publish: [a, 5 ]"),
    permissions('publish: { allow: "a..b" }'),
    permissions('publish: { deny: "a b" }'),
    permissions('publish: { deny: [">.a"] }'),
    permissions('subscribe: { allow: "a b c" }'),
    permissions('subscribe: { allow: "a.. b" }'),
    permissions('subscribe: { deny: "a b..c" }'),
    permissions('subscribe: { deny: "" }'),
    permissions("publish: { allowed: a }"),
    permissions("publishes: a"),
    permissions("allow_responses: true"),
    permissions("allow_responses: false"),
    permissions('allow_responses: { max: 5, expires: "1m" }'),
    permissions('publish_allow_responses: { max_msgs: -1, ttl: "-1s" }'),
    permissions('allow_responses: { max_messages: 0, expiration: "0s" }'),
    permissions("allow_responses: { max_responses: x }"),
    permissions("allow_responses: { expires: x }"),
    permissions("allow_responses: { expires: 5 }"),
    permissions("allow_responses: { foo: 5 }"),
    permissions("allow_responses: 5"),
    permissions("allow_responses: text"),
    account("default_permissions: { publish: a }"),
    account("default_permissions: 5"),
    account('default_permissions: { subscribe: { allow: "a b c" } }'),
    account("users: [ { user: a, permission: { pub: { deny: a } } } ]"),
    account("users: [ { user: a, authorization: { pub: { deny: 5 } } } ]"),
  ],
  accounts: [
    "accounts: [A, B]",
    "accounts: [A, A]",
    'accounts: ["$G"]',
    "accounts: [5 ]",
    "accounts {}",
    "accounts { A: 5 }",
    "accounts { A: [] }",
    'accounts { "$G": {} }',
    "accounts { A {}, B {} }",
    "accounts { mine: x, A { nkey: $mine } }",
    account(`nkey: ${ACCOUNT}`),
    account(`nkey: ${USER}`),
    account("nkey: x"),
    account("nkey: true"),
    account("foo: 5"),
    account("users: [ { user: a } ]"),
    account("users: [ {} ]"),
    account(`users: [ { nkey: ${USER} }, { nkey: ${USER} } ]`),
    account("users: [ { user: a }, { user: a } ]"),
    account("limits { max_connections: 5, max_subs: 6, max_payload: 7, max_leafs: 8 }"),
    account("limits { max_conn: x }"),
    account("limits { foo: 5 }"),
    account("limits: 5"),
    account("msg_trace: a.b"),
    account("trace_dest: a.b"),
    account('msg_trace: "a.*"'),
    account("msg_trace: { dest: a, sampling: 5 }"),
    account('msg_trace: { dest: a, sampling: "50%" }'),
    account("msg_trace: { sampling: 5 }"),
    account("msg_trace: { dest: a, sampling: 0 }"),
    account("msg_trace: { dest: a, sampling: 101 }"),
    account("msg_trace: { dest: a, sampling: x }"),
    account("msg_trace: { dest: a, sampling: true }"),
    account("msg_trace: { dest: 5 }"),
    account("msg_trace: { foo: 5 }"),
    account("msg_trace: 5"),
    account("trace_dest: { dest: a.b }"),
    account("jetstream: false"),
    account("jetstream: disabled"),
    account("jetstream { max_mem: x }"),
    account("jetstream { max_streams: true }"),
    account("jetstream { max_bytes: 5 }"),
    account("jetstream { cluster_traffic: 5 }"),
    account("jetstream { cluster_traffic: both }"),
    "no_auth_user: a",
    "no_auth_user: 5",
    "system_account: 5",
    "system: A",
    "no_system_account: true",
    "no_sys_acc: 5",
    "authorization { user: a, password: b }\naccounts { A { foo: 1 } }",
  ],
  exports: [
    exported("stream: a"),
    exported('service: "q.*"'),
    exported("accounts: [B]"),
    exported(""),
    exported("stream: a, accounts: [B]"),
    exported("stream: a, accounts: []"),
    exported("stream: a, accounts: [C]"),
    exported("service: a, accounts: [C, D]"),
    exported("stream: a, accounts: B"),
    exported("stream: a, accounts: [5 ]"),
    exported("stream: 5"),
    exported("service: [a]"),
    exported("stream: a, foo: 5"),
    exported('stream: "a.*", account_token_position: 2'),
    exported('stream: "a.*", account_token_position: 1'),
    exported('service: "a.*", account_token_position: 3'),
    exported("stream: a, account_token_position: x"),
    ...["single", "Singleton", "stream", "chunk", "CHUNKED", "foo"].map(type => exported(`service: a, response: ${type}`)),
    exported("service: a, response_type: 5"),
    exported("response: stream, stream: a"),
    exported("stream: a\n response: stream"),
    exported('service: a, threshold: "1s"'),
    exported('service: a, response_threshold: "1m"'),
    exported('service: a, response_max_time: "x"'),
    exported("service: a, response_time: 5"),
    exported("service: a, latency: m"),
    exported('service: a, latency: { subject: m, sampling: "5%" }'),
    exported("service: a, latency: { subject: m, sampling: headers }"),
    exported("service: a, latency: { subject: m, sampling: 0 }"),
    exported("service: a, latency: { subject: m, sampling: 101 }"),
    exported("service: a, latency: { subject: m, sampling: x }"),
    exported("service: a, latency: { subject: m, sampling: true }"),
    exported("service: a, latency: {}"),
    exported("service: a, latency: { subject: 5 }"),
    exported("service: a, latency: 5"),
    exported('service: a, latency: "m.*"'),
    exported("service: a, latency: a"),
    exported('service: ">", latency: m'),
    exported("service: a, response: stream, latency: m"),
    exported("stream: a, latency: m"),
    exported("stream: a, allow_trace: true"),
    exported("service: a, allow_trace: true"),
    exported("service: a, allow_trace: 5"),
    account("exports: 5"),
    account("exports: [ 5 ]"),
    account("exports: [ a, b ]"),
  ],
  imports: [
    imported("stream: { account: A, subject: s.a }"),
    imported("stream: { account: A, subject: s.a }, prefix: p"),
    imported("stream: { account: A, subject: s.a }, to: p, allow_trace: true"),
    imported("service: { account: A, subject: q.a }"),
    imported("service: { account: A, subject: q.a }, to: x, share: true"),
    imported("service: { account: A, subject: q.a }, prefix: x"),
    imported("to: x"),
    imported("stream: { account: C, subject: s.a }"),
    imported("service: { account: C, subject: s.a }"),
    imported("stream: { account: A }"),
    imported("service: { subject: a }"),
    imported("stream: {}"),
    imported("stream: 5"),
    imported("service: [a]"),
    imported("stream: { account: 5 }"),
    imported("service: { account: A, subject: q.a, foo: 1 }"),
    imported("service: { account: A, subject: q.a }, foo: 1"),
    imported("service: { account: A, subject: q.a }, to: 5"),
    imported("stream: { account: A, subject: s.a }, prefix: 5"),
    imported("stream: { account: A, subject: s.a }, allow_trace: 5"),
    imported("service: { account: A, subject: q.a }, share: 5"),
    imported("service: { account: A, subject: q.a }, allow_trace: true"),
    imported("service: { account: A, subject: q.a } }, { service: { account: A, subject: q.a }"),
    imported("service: { account: A, subject: q.a }, to: x }, { service: { account: A, subject: q.b }, to: x"),
    account("imports: 5"),
    account("imports: [ a ]"),
  ],
  mappings: [
    mapped("a: b"),
    'maps { "a.*.*": "b.$2.$1" }',
    mapped("a: { destination: b, weight: 50% }"),
    mapped("a: [ { destination: b, weight: 50 }, { dest: c, weight: 50%, cluster: x } ]"),
    mapped("a: []"),
    mapped('"a..b": c'),
    mapped('a: "b..c"'),
    mapped("a: 5"),
    mapped("a: [ 5 ]"),
    mapped("a: { destination: b }"),
    mapped("a: { destination: b, weight: 101 }"),
    mapped("a: { destination: b, weight: -1 }"),
    mapped('a: { destination: b, weight: "101%" }'),
    mapped("a: { destination: b, weight: x }"),
    mapped("a: { foo: 5 }"),
    mapped("a: [ { destination: b, weight: 60 }, { destination: c, weight: 60 } ]"),
    mapped("a: [ { destination: b, weight: 60 }, { destination: b, weight: 10 } ]"),
    mapped("a: [ { destination: b, weight: 60 }, { destination: c, weight: 60, cluster: x } ]"),
    mapped('"a.*": "b.$2"'),
    mapped('"a.*": "b.{{foo(1)}}"'),
    mapped('"a.*": [ { destination: "b.{{wildcard(2)}}", weight: 100 } ]'),
    "mappings: 5",
    account("mappings { a: b }"),
    account("mappings { a: 5 }"),
    account("maps: x"),
  ],
  "account functions": [
    mapped('"a.{{account-hash()}}": "b.{{Account-Hash( )}}"'),
    mapped('"a.{{account-hash()}}": "b.{{account-hash-import()}}"'),
    mapped('"a.{{account-hash-leaf-remote()}}": b'),
    mapped('a: "b.{{account-hash(1)}}"'),
    mapped('a: "b.{{accountHash()}}"'),
    mapped('a: [ { destination: "{{account-hash()}}", weight: 10 }, { destination: "{{Account-hash()}}", weight: 10 } ]'),
    mapped('"a. {{account-hash()}}": b'),
    account('mappings { "a.{{account-hash()}}": "b.{{account-hash(1)}}" }'),
    account('mappings { a: [ { destination: "{{account-hash()}}", weight: 10 }, { destination: "{{Account-hash()}}", weight: 10 } ] }'),
    exported('stream: "a.{{account-hash()}}"'),
    exported('stream: "a.{{account-hash-import()}}"'),
    exported('service: "a.{{account-hash(x)}}"'),
    exported('service: "a.{{accountHash()}}"'),
    exported('service: "*.{{account-hash()}}", account_token_position: 2'),
    imported('stream: { account: A, subject: "s.{{account-hash-import()}}" }, to: "x.{{account-hash()}}"'),
    imported('stream: { account: A, subject: "x.{{account-hash-import()}}" }'),
    imported('stream: { account: A, subject: "s.{{account-hash-leaf-remote()}}" }'),
    imported('stream: { account: A, subject: "s.{{account-hash()}}" }, prefix: "{{account-hash(1)}}"'),
    imported('stream: { account: A, subject: "s.{{account-hash()}}" }, to: "{{account-hash(1)}}"'),
    imported('service: { account: A, subject: "q.{{account-hash-import()}}" }, to: "x.{{account-hash()}}"'),
    imported('service: { account: A, subject: "q.{{account-hash-import(1)}}" }'),
    imported('service: { account: A, subject: "x.{{account-hash-import()}}" }'),
    imported('service: { account: A, subject: "q.{{account-hash-import()}}" }, to: "{{account-hash-leaf-remote()}}"'),
    permissions('publish: "a.{{account-hash()}}"'),
  ],
  "literal tokens": [
    ...["e.y", "e.*", "e.*x", "e.>", "e.>x"].flatMap(wanted =>
      ["e.*x", "e.>x"].map(
        offered =>
          `accounts { A { exports: [ { stream: "${offered}" } ] }, B { imports: [ { stream: { account: A, subject: "${wanted}" } } ] } }`,
      ),
    ),
    `accounts { A { exports: [ { service: "e.*x" } ] }, B { imports: [ { service: { account: A, subject: "e.y" } } ] } }`,
    `accounts { A { exports: [ { service: "e.>" } ] }, B { imports: [ { service: { account: A, subject: "e.*x" }, to: "f.>x" } ] } }`,
  ],
  callout: [
    callout(CALLOUT),
    callout(`${CALLOUT}, account: A, xkey: ${CURVE}`),
    callout(`${CALLOUT}, acc: A, key: ${CURVE}`),
    `authorization { auth_hook { ${CALLOUT}, allowed_accounts: [A] } }, accounts { A {} }`,
    callout(`${CALLOUT}, allowed_accounts: [A, B]`),
    callout(`${CALLOUT}, allowed_accounts: A`),
    callout(`${CALLOUT}, allowed_accounts: []`),
    callout(`issuer: ${USER}`),
    callout("issuer: 5"),
    callout(`issuer: ${ACCOUNT}`),
    callout("auth_users: [a]"),
    callout(""),
    callout(`${CALLOUT}, xkey: ${ACCOUNT}`),
    callout(`${CALLOUT}, account: 5`),
    callout(`${CALLOUT}, foo: 5`),
    callout(`issuer: ${ACCOUNT}, users: a`),
    callout(`issuer: ${ACCOUNT}, users: [5 ]`),
    "authorization { auth_callout: 5 }",
  ],
  operators: [
    "operator: /no/such/file",
    'operators: [ "/no/such/a", "/no/such/b" ]',
    "root: 5",
    "roots: { a: b }",
    `trusted: ${OPERATOR}`,
    `trusted_keys: [ ${OPERATOR} ]`,
    "trusted: x",
    "trusted: [ a, b ]",
    "trusted: [ true ]",
    "trusted: 5",
    "resolver: MEM",
    "resolver: memory",
    "account_resolver: Memory",
    "resolver: foo",
    "resolver: 5",
    "resolver: []",
    'resolver: "URL(http://127.0.0.1:9/jwt/v1/accounts/)"',
    'resolver: URL("http://127.0.0.1:9")',
    'resolver: "URL(http://a:b)"',
    'resolver: "URL(http://a b)"',
    'accounts_resolver: "url(foo)"',
    "resolver {}",
    "resolver { type: mem }",
    "resolver { type: full }",
    "resolver { type: full, dir: 5 }",
    "resolver { type: 5 }",
    stored('type: full, limit: 5, interval: "2m", timeout: "1s"'),
    stored('type: CACHE, limit: 5, ttl: "1h"'),
    stored('type: cache, interval: "1s"'),
    stored("type: cache, allow_delete: true"),
    stored("type: cache, hard_delete: false"),
    stored("type: full, allow_delete: true, hard_delete: true"),
    stored("type: full, hard_delete: true"),
    stored('type: full, ttl: "1h"'),
    stored('type: full, timeout: "0s"'),
    stored('type: full, timeout: "-1s"'),
    stored("type: full, interval: x"),
    stored("type: full, interval: 5"),
    stored("type: full, limit: x"),
    stored("type: full, allow_delete: x"),
    stored("type: disk"),
    "resolver { type: full, dir: $dir/file }",
    "resolver_tls { timeout: 3 }",
    "resolver_tls { foo: 3 }",
    "resolver_tls: 5",
    "resolver_preload {}",
    "resolver_preload: 5",
    "resolver_preload { A: 5 }",
    "resolver_pinned_accounts: A",
    "resolver_pinned_accounts: [ A, B ]",
    "resolver_pinned_accounts: 5",
    "resolver_pinned_accounts: [ true ]",
    "default_sentinel: 5",
  ],
  proxies: [
    `proxies { trusted: [ { key: ${ACCOUNT} }, { public_key: ${USER} } ] }`,
    "proxies { trusted: [ {} ] }",
    "proxies { trusted: [] }",
    "proxies {}",
    "proxies: 5",
    "proxies { trusted: 5 }",
    "proxies { trusted: [ 5 ] }",
    "proxies { trusted: [ { key: x } ] }",
    "proxies { trusted: [ { key: 5 } ] }",
    "proxies { trusted: [ { foo: 5 } ] }",
    "proxies { foo: 5 }",
  ],
  websocket: [
    "websocket { port: 80, no_tls: true, no_auth_user: a }",
    "websocket { port: 80, no_tls: true, no_auth_user: 5 }",
    "websocket { port: 80, no_tls: true, jwt_cookie: c }",
  ],
};

/** Configurations with the same texts, where the reference gives no place, or that of the enclosing block. */
const PLACELESS: readonly string[] = [
  account("jetstream: maybe"),
  account("jetstream: 5"),
  'authorization { permissions: { publish: "x y" } }',
  account("users: 5"),
  mapped("a: { destination: 5 }"),
  mapped("a: { destination: b, weight: 5, cluster: 5 }"),
  permissions("publish: 5"),
  permissions("subscribe: true"),
  permissions('publish: "a b"'),
  permissions('publish: [a, "b..c"]'),
  permissions('subscribe: "a b c"'),
];

/** Configurations with two contradicting fields, of which the reference reports one or the other from run to run. */
const EITHER: readonly string[] = [
  "accounts { A { users: [ { user: a } ] }, B { users: [ { user: a } ] } }",
  user(`nkey: ${USER}, user: a`),
  user(`nkey: ${USER}, password: a`),
  exported("stream: a, service: b"),
  imported("stream: { account: A, subject: s.a }, service: { account: A, subject: q.a }"),
  "authorization { users: [ { user: a } ] }\naccounts { A { users: [ { user: a } ] } }",
  "accounts { A { users: [ { user: a } ] } }\nauthorization { user: b, password: c }",
  "authorization { token: b }\naccounts { A { users: [ { user: a } ] } }",
  callout(`issuer: ${ACCOUNT}, auth_users: []`),
  exported('stream: a, threshold: "1s"'),
  imported("stream: { account: A, subject: s.a }, prefix: p, to: q"),
];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "bunats-accounts-"));
  mkdirSync(join(directory, "jwt"));
  writeFileSync(join(directory, "jwt", "file"), "");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileWith(config: string): string {
  const file = join(directory, "server.conf");
  writeFileSync(file, config.replaceAll("$dir", join(directory, "jwt")));
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
    return linesOf(error.message).map(line => line.replace(/; did you mean .*/, ""));
  }
}

function theirs(file: string): string[] {
  const { digest, text } = verdictOn(file);
  return digest === null ? linesOf(text) : [];
}

/** Lines that only the reference has: it panics where a block is not a map, and creates directories while it reads. */
const REFERENCE_ONLY = /(runtime error: invalid memory address or nil pointer dereference|mkdir .*|the path \[.*\] is not a directory)$/;

function linesOf(text: string): string[] {
  const lines = text.split("\n").filter(line => line !== "" && !REFERENCE_ONLY.test(line));
  return lines.sort();
}

const placeless = (line: string) => line.replace(/^\S+:\d+:\d+: /, "");

for (const [topic, configs] of Object.entries(SAME)) {
  it.compared(`${topic}: ours and the reference report the same about ${configs.length} configurations`, async () => {
    const reference = await answerOfReference(() => configs.map(config => [config, theirs(fileWith(config))] as const));
    for (const [at, config] of configs.entries()) {
      expect(comparable([config, ours(fileWith(config))])).toEqual([...reference[at]!]);
    }
  });
}

it.compared("where the reference gives no place, ours gives one", async () => {
  const reference = await answerOfReference(() => PLACELESS.map(config => theirs(fileWith(config)).map(placeless)));
  for (const [at, config] of PLACELESS.entries()) {
    const reported = ours(fileWith(config));
    expect(reported[0], config).toMatch(/:\d+:\d+: /);
    expect(comparable(reported.map(placeless)), config).toEqual(reference[at]!);
  }
});

/** All texts of the reference for a file: they depend on the field that it reads first. */
function textsOfMany(file: string): string[] {
  const texts = new Set<string>();
  for (let attempt = 0; attempt < 60 && texts.size < 2; attempt++) for (const line of theirs(file)) texts.add(placeless(line));
  return [...texts].sort();
}

it.compared("of two contradicting fields the later is reported, with one of the reference's texts", async () => {
  const reference = await answerOfReference(() => EITHER.map(config => textsOfMany(fileWith(config))));
  for (const [at, config] of EITHER.entries()) {
    const reported = ours(fileWith(config));
    expect(reported.length, config).toBe(1);
    expect(reference[at], config).toContain(comparable(placeless(reported[0]!)));
  }
});

/** Valid files with which the reference does not start. */
const REFUSED_AT_START: readonly string[] = [
  "no_auth_user: x",
  "no_auth_user: x, authorization { user: x, password: y }",
  "no_auth_user: x, accounts { A { users: [ { user: a } ] } }",
  "system_account: A",
  'system_account: "$SYS"',
  "default_sentinel: x",
  "proxies { trusted: [ {} ] }",
  "default_js_domain { A: d }",
  'default_js_domain { "$SYS": d }, accounts { "$SYS": {} }',
  'default_js_domain { A: "a b" }, accounts { A {} }',
  ...["ACK", "FC", "SNAPSHOT", "EVENT"].map(domain => `default_js_domain { A: ${domain} }, accounts { A {} }`),
  "websocket { port: 80, no_tls: true, no_auth_user: a }",
  "websocket { port: 80, no_tls: true, no_auth_user: a }, authorization { users: [ { user: b } ] }",
  "websocket { port: 80, no_tls: true, authorization { user: a } }, authorization { users: [ { user: b } ] }",
  "websocket { port: 80, no_tls: true, authorization { token: a } }, accounts { A { users: [ { user: b } ] } }",
  "websocket { port: 80, no_tls: true, jwt_cookie: c }",
];

describe("options that contradict each other", () => {
  for (const config of REFUSED_AT_START) {
    it.compared(`the reference refuses to start with the same text: ${config}`, async () => {
      const file = fileWith(config);
      const reported = await answerOfReference(() => startRefusal(file));
      expect(reported).not.toBe("");
      expect(() => completeOptions(loadConfigFile(file, {}).options)).toThrow(new OptionError(reported));
    });
  }
});

/** Valid combinations of options. */
const COMBINATIONS: readonly string[] = [
  "no_auth_user: a, accounts { A { users: [ { user: a } ] } }",
  `no_auth_user: ${USER}, authorization { users: [ { nkey: ${USER} } ] }`,
  "system_account: A, no_system_account: true, accounts { A {} }",
  'system_account: "$G"',
  `websocket { port: 80, no_tls: true, jwt_cookie: c }, trusted: ${OPERATOR}`,
  "websocket { port: 80, no_tls: true, no_auth_user: a }, authorization { users: [ { user: a } ] }",
  'default_js_domain { A: "", "$G": d }, accounts { A {} }',
  'default_js_domain { A: "ack", "$G": API }, accounts { A {} }',
];

test("valid combinations of options are accepted", () => {
  for (const config of COMBINATIONS) expect(() => completeOptions(loadConfigFile(fileWith(config), {}).options), config).not.toThrow();
});

test("10,000 users are read and completed, and a duplicate is found", () => {
  const users = Array.from({ length: 10_000 }, (_, at) => `{ user: u${at}, password: p, permissions { publish: "a.${at}.>" } }`);
  const file = fileWith(`accounts { A { users: [\n${users.join("\n")}\n] } }`);
  const { accounts } = completeOptions(loadConfigFile(file, {}).options);
  expect(accounts[0]!.users.length).toBe(10_000);
  expect(accounts[0]!.users[9_999]).toMatchObject({ user: "u9999", permissions: { publish: { allow: ["a.9999.>"], deny: null } } });
  const twice = fileWith(`accounts { A { users: [\n${users.join("\n")}\n${users[5_000]}\n] } }`);
  expect(ours(twice)).toEqual([`${twice}:1:15: Duplicate user "u5000" detected`]);
});

/** Configurations that are compared with a live reference, which takes about 10 ms for each. */
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 200);
/** Configurations that are recorded, so that they are compared without the reference too. */
const RECORDED_SEED = 1;
const RECORDED_ROUNDS = 60;

it.compared(
  "fuzz: the reference reports the same about random accounts with one mistake or none",
  async () => {
    const recorded = randomConfigs(RECORDED_SEED, RECORDED_ROUNDS);
    const reference = await answerOfReference(() => recorded.map(config => theirs(fileWith(config)).map(placeless)));
    for (const [round, config] of recorded.entries()) {
      expect(comparable(ours(fileWith(config)).map(placeless)), `round=${round}\n${config}`).toEqual(reference[round]!);
    }
    const valid = reference.filter(reported => reported.length === 0).length;
    expect([valid > RECORDED_ROUNDS / 10, valid < RECORDED_ROUNDS]).toEqual([true, true]);
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    for (const [round, config] of randomConfigs(seed, ROUNDS).entries()) {
      const file = fileWith(config);
      expect(ours(file).map(placeless), `SEED=${seed} round=${round}\n${config}`).toEqual(theirs(file).map(placeless));
    }
  },
  300_000,
);

function randomConfigs(seed: number, count: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => randomAccounts(random));
}
