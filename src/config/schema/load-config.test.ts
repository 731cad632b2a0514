import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLS_DEFAULTS } from "../../wire/transport/tls/tls-options.ts";
import { completeOptions } from "./complete-options.ts";
import { loadConfigText, mergeOptions, readConfig } from "./load-config.ts";
import { ConfigErrors, OptionError } from "./row/problems.ts";

test("given options override the file, and the file overrides the defaults", () => {
  const { options } = loadConfigText("port: 5000, debug: true, max_payload: 1000", {});
  const merged = completeOptions(mergeOptions(options, { port: 6_000, debug: false }));
  expect(merged).toMatchObject({ port: 6_000, debug: false, payloadBytesMax: 1_000, pingsOutMax: 2 });
});

test("user and password of flags and file are merged separately", () => {
  const { options } = loadConfigText("authorization { user: a, password: b }", {});
  expect(mergeOptions(options, { authorization: { user: "x" } }).authorization).toEqual({ user: "x", password: "b" });
  expect(mergeOptions(options, { authorization: null }).authorization).toBe(null);
  expect(completeOptions(mergeOptions(options, { authorization: { user: "" } })).authorization).toBe(null);
});

test("given certificates keep the timeout and pins of the file, and tls: null switches TLS off", () => {
  const { options } = loadConfigText("tls { timeout: 5, handshake_first: true }", {});
  const certificates = [{ certFile: "c", keyFile: "k" }];
  const merged = mergeOptions(options, { tls: { certificates } as never }).tls;
  expect(merged).toEqual({ ...TLS_DEFAULTS, timeoutMs: 5_000, handshakeFirst: true, certificates });
  expect(mergeOptions(options, { tls: null }).tls).toBe(null);
});

test("with TLS the default time to authenticate is one second more than the TLS timeout", () => {
  const timeout = (text: string) => completeOptions(loadConfigText(text, {}).options).authTimeoutMs;
  expect(timeout("port: 1")).toBe(2_000);
  expect(timeout("tls { timeout: 3 }")).toBe(4_000);
  expect(timeout("tls { timeout: 3 }, authorization { user: a, password: b, timeout: 1 }")).toBe(1_000);
});

test("every reload reads the file again, and given options still override it", () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-load-"));
  try {
    const file = join(directory, "nats.conf");
    writeFileSync(file, "port: 5000, ping_max: $PINGS");
    const config = readConfig(file, { port: 6_000 }, { PINGS: "3" });
    expect(config.options).toMatchObject({ port: 6_000, pingsOutMax: 3 });
    writeFileSync(file, "port: 5001, ping_max: 4");
    const again = config.source.load();
    expect(again.options).toMatchObject({ port: 6_000, pingsOutMax: 4 });
    expect(again.digest).not.toBe(config.digest);
    writeFileSync(file, "max_payload: 3000, max_pending: 2000");
    expect(() => config.source.load()).toThrow(new OptionError("max_payload (3000) cannot be higher than max_pending (2000)"));
    rmSync(file);
    expect(() => config.source.load()).toThrow(`open ${file}: no such file or directory`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("all errors are reported together, warnings first, in the order of the file", () => {
  const text = "prot: 1\nping_interval: 5\ndebug: 1\ntls { verify: 1, foo: 2 }\nmqtt { port: 1883 }";
  try {
    loadConfigText(text, {}, "f.conf");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    expect((error as ConfigErrors).lines).toEqual([
      'f.conf:2:1: invalid use of field "ping_interval": ping_interval should be converted to a duration',
      'f.conf:1:0: unknown field "prot"; did you mean "port"?',
      "f.conf:3:1: interface conversion: interface {} is int64, not bool",
      "f.conf:4:7: error parsing tls config, expected 'verify' to be a boolean or 'optional'",
      'f.conf:4:18: error parsing tls config, unknown field "foo"',
      'f.conf:5:1: "mqtt" is not supported yet (MQTT)',
    ]);
  }
});

/** Files whose options contradict each other. */
const CONTRADICTIONS: readonly (readonly [config: string, text: string])[] = [
  ["max_payload: 3000, max_pending: 2000", "max_payload (3000) cannot be higher than max_pending (2000)"],
  [
    'lame_duck_duration: "30s", lame_duck_grace_period: "30s"',
    "lame duck grace period (30s) should be strictly lower than lame duck duration (30s)",
  ],
  ["http: 8222, https: 8223", "can't specify both HTTP (8222) and HTTPs (8223) ports"],
  ["https: 8443", "TLS cert and key required for HTTPS"],
  ["port: 70000", "invalid port 70000"],
  ["websocket { port: 80 }", "websocket requires TLS configuration"],
  ["websocket { port: 80, no_tls: true, headers { Host: x } }", 'websocket: invalid header "Host" not allowed'],
  [
    "websocket { port: 80, no_tls: true, headers { Sec-WebSocket-Key: x } }",
    'websocket: invalid header "Sec-WebSocket-Key", "Sec-WebSocket-" prefix not allowed',
  ],
  [
    "websocket { port: 80, no_tls: true, jwt_cookie: c }",
    'trusted operators or trusted keys configuration is required for JWT authentication via cookie "c"',
  ],
  [
    'websocket { port: 80, no_tls: true, origins: ["ftp://a"] }',
    'unable to parse allowed origin "ftp://a": allowed origins must be absolute URLs with http or https scheme',
  ],
  ['websocket { port: 80, no_tls: true, origins: ["http://"] }', 'unable to parse allowed origin "http://": host is required'],
  ['websocket { port: 80, no_tls: true, origins: ["a"] }', 'unable to parse allowed origin: parse "a": invalid URI for request'],
  [
    'websocket { port: 80, no_tls: true, origins: ["http://a:b"] }',
    'unable to parse allowed origin: parse "http://a:b": invalid port ":b" after host',
  ],
  [
    'websocket { port: 80, no_tls: true, origins: ["http://a b"] }',
    'unable to parse allowed origin: parse "http://a b": invalid character " " in host name',
  ],
  ["tls { ocsp_peer: true }", "OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled"],
];

for (const [config, text] of CONTRADICTIONS) {
  test(`contradictory options are refused: ${text}`, () => {
    expect(() => completeOptions(loadConfigText(config, {}).options)).toThrow(new OptionError(text));
  });
}

test("ConfigErrors print as in the reference: a new line after each error, except after a syntax error", () => {
  expect(() => loadConfigText("prot: 1", {}, "f")).toThrow('f:1:0: unknown field "prot"; did you mean "port"?\n');
  expect(() => loadConfigText("a", {}, "f")).toThrow(new ConfigErrors(["config is invalid (f:1:1)"], false));
});
