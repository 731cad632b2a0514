/** Options of programs: their types, checked by `tsc` in this file, and errors at run time. */
import { expect, expectTypeOf, test } from "bun:test";
import { completeOptions, shapeOf } from "../complete-options.ts";
import { OPTIONS, type Options } from "../options.ts";
import { OptionError } from "../row/problems.ts";
import type { GivenOptions, GivenTls, GivenWebSocket } from "./given-options.ts";
import type { ShapeFields } from "./shape.ts";

/** The refusal of options; null when they are accepted. */
function refusalOf(given: unknown): string | null {
  try {
    completeOptions(given as GivenOptions);
    return null;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return error.message;
  }
}

const PAIR = { certFile: "server.pem", keyFile: "key.pem" };

test("every field of every option may be left out, in the types and at run time", () => {
  const given: GivenOptions = {
    tls: { certificates: [PAIR], verify: true, ocspPeer: {} },
    websocket: { port: 0, tls: { certificates: [PAIR] }, authorization: { user: "a", password: "b" } },
    resolver: { kind: "full", directory: "/jwt" },
    resolverTls: { caFile: "ca.pem" },
    ocspCache: { type: "none" },
    listenUnix: { path: "/run/nats.sock" },
    accounts: [{ name: "A", users: [{ user: "a", permissions: { publish: { allow: ["x"] } } }], limits: { connectionsMax: 1 } }],
    mappings: [{ source: "a", destinations: [{ subject: "b" }] }],
    authorization: { callout: null },
  };
  expectTypeOf<Options>().toExtend<GivenOptions>();
  expectTypeOf<GivenOptions["tls"]>().toEqualTypeOf<GivenTls | null | undefined>();
  expectTypeOf<GivenOptions["websocket"]>().toEqualTypeOf<GivenWebSocket | null | undefined>();
  const { accounts: _accounts, ...withoutAccounts } = given;
  const complete = completeOptions({ ...withoutAccounts, resolver: null, resolverTls: { caFile: "ca.pem" } });
  expect(complete.tls).toMatchObject({ certificates: [PAIR], minVersion: "1.2", ocspPeer: { caTimeoutMs: 2_000, warnOnly: false } });
  expect(complete.websocket).toMatchObject({ host: "0.0.0.0", authorization: { user: "a", password: "b" }, tls: { timeoutMs: 2_000 } });
  expect(complete.listenUnix).toEqual({ path: "/run/nats.sock", mode: 0o770 });
  expect(complete.ocspCache).toEqual({ type: "none", localStore: "_rc_", preserveRevoked: false, saveIntervalMs: 300_000 });
  expect(completeOptions({ resolver: { kind: "cache", directory: "/jwt" } }).resolver).toEqual({
    kind: "cache",
    directory: "/jwt",
    limit: 1_000,
    ttlMs: 0,
    fetchTimeoutMs: 1_900,
  });
});

test("the types refuse names and values that do not exist", () => {
  const wrong: GivenOptions[] = [
    // @ts-expect-error no such option
    { prot: 4222 },
    // @ts-expect-error no such field of tls
    { tls: { certFile: "server.pem" } },
    // @ts-expect-error a pair needs its key
    { tls: { certificates: [{ certFile: "server.pem" }] } },
    // @ts-expect-error no such version
    { tls: { minVersion: "1.1" } },
    // @ts-expect-error no such field of a user
    { accounts: [{ name: "A", users: [{ user: "a", pass: "b" }] }] },
    // @ts-expect-error a resolver in a directory needs the directory
    { resolver: { kind: "full" } },
    // @ts-expect-error a WebSocket listener has no users
    { websocket: { authorization: { users: [] } } },
  ];
  expect(wrong.length).toBe(7);
});

test("an error about a misspelt name suggests the nearest name, at every depth", () => {
  const account = (more: object) => ({ accounts: [{ name: "A", ...more }] });
  const wrong: [unknown, string, string][] = [
    [{ websockets: {} }, "websockets", "websocket"],
    [{ tls: { certificats: [PAIR] } }, "tls.certificats", "tls.certificates"],
    [{ tls: { certificates: [{ ...PAIR, certfile: "" }] } }, "tls.certificates[0].certfile", "tls.certificates[0].certFile"],
    [{ tls: { ocspPeer: { warnonly: true } } }, "tls.ocspPeer.warnonly", "tls.ocspPeer.warnOnly"],
    [{ tls: PAIR }, "tls.certFile", "tls.certificates[0].certFile"],
    [{ resolverTls: { cafile: "" } }, "resolverTls.cafile", "resolverTls.caFile"],
    [{ websocket: { sameorigin: true } }, "websocket.sameorigin", "websocket.sameOrigin"],
    [{ websocket: { tls: { verfiy: true } } }, "websocket.tls.verfiy", "websocket.tls.verify"],
    [{ websocket: { authorization: { tokn: "" } } }, "websocket.authorization.tokn", "websocket.authorization.token"],
    [{ ocspCache: { localstore: "" } }, "ocspCache.localstore", "ocspCache.localStore"],
    [{ listenUnix: { pth: "" } }, "listenUnix.pth", "listenUnix.path"],
    [{ resolver: { kind: "url", uri: "" } }, "resolver.uri", "resolver.url"],
    [{ authorization: { usr: "a" } }, "authorization.usr", "authorization.user"],
    [{ authorization: { callout: { isuer: "" } } }, "authorization.callout.isuer", "authorization.callout.issuer"],
    [account({ user: [] }), "accounts[0].user", "accounts[0].users[0].user"],
    [account({ users: [{ pasword: "" }] }), "accounts[0].users[0].pasword", "accounts[0].users[0].password"],
    [
      account({ users: [{ user: "a", permissions: { publish: { alow: [] } } }] }),
      "accounts[0].users[0].permissions.publish.alow",
      "accounts[0].users[0].permissions.publish.allow",
    ],
    [account({ exports: [{ kind: "stream", sbject: "" }] }), "accounts[0].exports[0].sbject", "accounts[0].exports[0].subject"],
    [account({ imports: [{ kind: "service", acount: "" }] }), "accounts[0].imports[0].acount", "accounts[0].imports[0].account"],
    [account({ limits: { conectionsMax: 1 } }), "accounts[0].limits.conectionsMax", "accounts[0].limits.connectionsMax"],
    [account({ trace: { destinaton: "" } }), "accounts[0].trace.destinaton", "accounts[0].trace.destination"],
  ];
  for (const [given, name, meant] of wrong) expect(refusalOf(given)).toBe(`unknown option "${name}"; did you mean "${meant}"?`);
});

test("a nested value of another type is refused with its place", () => {
  const wrong: [unknown, string][] = [
    [{ tls: [] }, 'option "tls" must be an object'],
    [{ tls: { verify: 1 } }, 'option "tls.verify" must be a boolean'],
    [{ tls: { minVersion: "1.1" } }, 'option "tls.minVersion" must be "1.2" or "1.3"'],
    [{ tls: { handshakeFirstFallbackMs: -1 } }, 'option "tls.handshakeFirstFallbackMs" cannot be negative'],
    [{ websocket: { port: 65_536 } }, "invalid port 65536"],
    [{ websocket: { headers: { a: 1 } } }, 'option "websocket.headers.a" must be a string'],
    [{ serverMetadata: { a: 1 } }, 'option "serverMetadata.a" must be a string'],
    [{ serverTags: ["a", 1] }, 'option "serverTags[1]" must be a string'],
    [{ featureFlags: { a: "on" } }, 'option "featureFlags.a" must be a boolean'],
    [{ resolver: { kind: "disk" } }, 'option "resolver.kind" must be "memory", "url", "full" or "cache"'],
  ];
  for (const [given, text] of wrong) expect(refusalOf(given)).toBe(text);
});

test("unsupported features are refused by name, as in a file, unless they are off or empty", () => {
  const missing: [string, string][] = [
    ["cluster", "clustering"],
    ["gateway", "gateways"],
    ["leafNodes", "leaf nodes"],
    ["mqtt", "MQTT"],
  ];
  for (const [name, feature] of missing) {
    expect(refusalOf({ [name]: { port: 1 } })).toBe(`"${name}" is not supported yet (${feature})`);
    for (const nothing of [false, null, undefined, {}, { enabled: false }]) expect(refusalOf({ [name]: nothing })).toBe(null);
  }
});

test("the shapes contain every field of the defaults", () => {
  const fields = (name: keyof Options) => Object.keys(shapeOf(OPTIONS[name] as never).fields as ShapeFields);
  expect(fields("tls")).toContain("handshakeFirstFallbackMs");
  expect(fields("resolver").sort()).toEqual(
    ["allowDelete", "directory", "fetchTimeoutMs", "hardDelete", "kind", "limit", "syncIntervalMs", "ttlMs", "url"].sort(),
  );
});
