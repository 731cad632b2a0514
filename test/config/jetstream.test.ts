/**
 * Small configurations about JetStream, checked with `-t` by nats-server and by ours: the same verdict, and the same text with file, line
 * and column.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeNkey, NkeyKind } from "../../src/base/keys/nkey.ts";
import { checkConfig } from "../../src/cli/check-config.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { GivenOptions } from "../../src/config/schema/given/given-options.ts";
import { loadConfigText, mergeOptions } from "../../src/config/schema/load-config.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { diffOptions } from "../../src/config/schema/reload/option-diff.ts";
import { OptionError } from "../../src/config/schema/row/problems.ts";
import { type AccountJetStream, UNLIMITED_ACCOUNT } from "../../src/jetstream/config/account-jetstream.ts";
import { UNLIMITED } from "../../src/jetstream/config/account-limits.ts";
import { JETSTREAM_OFF, type JetStreamOptions, NO_SERVER_LIMITS } from "../../src/jetstream/config/jetstream-options.ts";
import { answerOfReference, Recording } from "../reference/recording.ts";
import { reloadVerdictOn, verdictOn } from "./reference-check.ts";

const it = new Recording(import.meta.path);

const ACCOUNT_NKEY = encodeNkey(NkeyKind.Account, new Uint8Array(32).fill(1));

/** One field of a block, on the second line. */
const field = (name: string, ...values: readonly string[]) => values.map(value => `jetstream {\n  ${name}: ${value}\n}`);
const limit = (name: string, ...values: readonly string[]) => values.map(value => `jetstream { limits {\n  ${name}: ${value}\n} }`);
const batch = (name: string, ...values: readonly string[]) =>
  values.map(value => `jetstream { limits { batch {\n  ${name}: ${value}\n} } }`);
const inAccount = (name: string, ...values: readonly string[]) =>
  values.map(value => `accounts { A { jetstream {\n  ${name}: ${value}\n} } }`);
const TEXTS = ["a", '""', "5", "true", "1.5", "[a]", "{ a: 1 }"];
const BOOLEANS = ["true", "false", "5", '"true"', "[a]"];
const INTEGERS = ["0", "5", "-1", "1k", "x", "true", "1.5"];
const SIZES = [
  "0",
  "-5",
  "10M",
  "10GB",
  '""',
  '"1K"',
  '"2M"',
  '"3G"',
  '"1T"',
  '"-1K"',
  '"+1G"',
  '"1k"',
  '"5"',
  '"K"',
  '"1.5G"',
  '"1_0G"',
  "x",
  "true",
  "1.5",
];
const ACCOUNT_SIZES = ["-1", "0", "10G", '"1G"', "x", "true", "1.5"];
const DURATIONS = ['"2m"', "10s", '"1.5s"', '"-5s"', '"0s"', "x", '"5"', "[a]"];

const CONFIGURATIONS: readonly string[] = [
  ...["true", "false", "enabled", "Enable", "DISABLED", "disable", '"x"', "5", "1.5", "[a]", "{}"].map(value => `jetstream: ${value}`),
  ...["enabled", "enable"].flatMap(name => field(name, ...BOOLEANS)),
  ...field("store_dir", "/a", '""', "5", "true", "[a]"),
  ...field("storedir", "/a"),
  ...field("store", "/a"),
  "store_dir: /a",
  "storedir: /a",
  "store_dir: 5",
  "store_dir: [a]",
  "jetstream { store_dir: /a,\n  store: /b }",
  "jetstream {\n store_dir: /a }\nstore_dir: /b",
  "store_dir: /b, jetstream {\n store_dir: /a }",
  "store_dir: /b\n  storedir: /a",
  "store_dir: /b\n  store_dir: /a",
  "store_dir: /b, jetstream: true",
  ...["max_memory_store", "max_file_store"].flatMap(name => field(name, ...SIZES)),
  ...["max_mem_store", "max_mem", "max_file"].flatMap(name => field(name, "10M", '"x"')),
  ...field("max_mem", '"99999999999999999999G"'),
  ...["sync_interval", "sync"].flatMap(name => field(name, ...DURATIONS, "always", '"Always"', "5", "true", "1.5")),
  ...field("SYNC", "x", "5"),
  ...field("domain", "hub", '""', '"a b"', "a.b", '"*"', '">"', '"a>"', '"a."', "ACK", "FC", "SNAPSHOT", "EVENT", "ack", "ACKS", "5"),
  "jetstream { enabled: false, domain: ACK }",
  'jetstream { domain: "a\tb" }',
  ...["encryption_key", "prev_encryption_key"].flatMap(name => field(name, ...TEXTS)),
  ...["key", "ek", "prev_key", "prev_ek"].flatMap(name => field(name, "a")),
  ...field("cipher", "aes", "AES", "chacha", "ChaChaPoly", "x", '""', "5"),
  ...field("strict", "true", "false", '"x"', "5", "1.5"),
  ...field("extension_hint", "no_extend", "will_extend", "x", "5"),
  ...field("unique_tag", ...TEXTS),
  ...field("max_outstanding_catchup", "10M", '"1G"', "-5", "x", "true"),
  ...field("max_buffered_size", "10M", '"1G"', "-5", "x", "true"),
  ...field("MAX_BUFFERED_SIZE", "x"),
  ...field("max_buffered_msgs", ...INTEGERS),
  ...field("request_queue_limit", ...INTEGERS),
  ...field("info_queue_limit", ...INTEGERS),
  ...field("meta_compact", ...INTEGERS),
  ...field("meta_compact_size", "0", "10M", '"1G"', "-1", '"-1K"', "x", "true"),
  ...field("meta_compact_sync", ...BOOLEANS),
  ...field("max_concurrent_io", "4", "8192", "3", "8193", "x", "true", "1.5"),
  ...field("MAX_concurrent_io", "3"),
  ...field("limits", "{}", "5", "x", "[a]"),
  ...["max_ack_pending", "max_ha_assets", "max_request_batch", "default_max_consumers"].flatMap(name => limit(name, ...INTEGERS)),
  ...limit("duplicate_window", ...DURATIONS, "5"),
  ...limit("batch", "{}", "5", "x", "[a]"),
  ...["max_inflight_per_stream", "max_inflight_total", "max_msgs"].flatMap(name => batch(name, "0", "5", "x", "true")),
  ...batch("timeout", ...DURATIONS, "5"),
  ...field("foo", "1"),
  ...limit("foo", "1"),
  ...batch("foo", "1"),
  ...field("tpm", "{}", "5", "{ foo: 1 }", "{ keys_file: 5 }", "{ pcr: x }", "{ cipher: x }", "{ srk_password: a, pcr: 16 }"),
  "x: 5, jetstream { max_buffered_msgs: $x }",
  "jetstream { x: 5, max_buffered_msgs: $x }",
  "jetstream { limits { x: 5, max_ack_pending: $x } }",
  ...["true", "false", "enabled", "disabled", "{}"].map(value => `accounts { A {\n  jetstream: ${value}\n} }`),
  ...["max_memory", "max_store"].flatMap(name => inAccount(name, ...ACCOUNT_SIZES)),
  ...["max_mem", "mem", "memory", "max_file", "max_disk", "store", "disk", "max_streams", "streams", "max_consumers", "consumers"].flatMap(
    name => inAccount(name, "5", "x"),
  ),
  ...["mem_max_stream_bytes", "memory_max_stream_bytes", "disk_max_stream_bytes", "store_max_stream_bytes", "max_ack_pending"].flatMap(
    name => inAccount(name, "5", "x"),
  ),
  ...["max_bytes_required", "max_stream_bytes", "max_bytes"].flatMap(name => inAccount(name, "true", "5", "x")),
  ...inAccount("cluster_traffic", "system", "owner", '""', "both", "5"),
  ...inAccount("foo", "1"),
  "accounts { A { jetstream { x: 5, max_mem: $x } } }",
  "accounts { SYS { jetstream: true } }, system_account: SYS, jetstream: true",
  "jetstream: true, accounts { A { jetstream: true } }, default_js_domain { A: hub }",
  'jetstream: true, accounts { A { jetstream: true } }, default_js_domain { A: "" }',
  "accounts { A { jetstream: false } }, default_js_domain { A: hub }",
  'jetstream: true, default_js_domain { "$G": hub }',
  'default_js_domain { "$SYS": hub }',
  'accounts { "$SYS" {} }, default_js_domain { "$SYS": hub }',
  "accounts { S {} }, system_account: S, default_js_domain { S: hub }",
  "default_js_domain { A: hub }",
  "default_js_domain: 5",
  ...["ACK", '"a b"', "a.b", '"*"', '">"', '""'].map(domain => `accounts { A {} }, default_js_domain { A: ${domain} }`),
  "feature_flags { js_ack_fc_v2: true, js_api_reply_v2: false, js_raft_delete_range: false, js_snapshot_sources: true }",
  "feature_flags { xyz: true }",
  "feature_flags {\n  js_ack_fc_v2: 1 }",
  "feature_flags: 5",
  "jetstream: true, no_system_account: true",
  `accounts { A { nkey: ${ACCOUNT_NKEY}, jetstream { max_mem: 1G, max_file: 2G, max_streams: 5 } } }, jetstream { max_mem: 5G, max_file: 6G }`,
];

let file: string;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "bunats-jetstream-"));
  file = join(directory, "server.conf");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What ours reports with `-t`. */
function ours(configuration: string): string[] {
  writeFileSync(file, configuration);
  const { lines } = checkConfig({ configFile: file, options: {}, flagError: null, reloadFile: null });
  return linesOf(lines.join("\n"));
}

function theirs(configuration: string): string[] {
  writeFileSync(file, configuration);
  return linesOf(verdictOn(file).text);
}

/** Of two contradicting fields the reference reports either one. */
const withoutPlace = (line: string) => line.replace(/^.*(Duplicate 'store_dir' configuration)$/, "$1");

function linesOf(report: string): string[] {
  return report
    .replaceAll(/\(sha256:[0-9a-f]+\)/g, "(<digest>)")
    .split("\n")
    .filter(line => line !== "")
    .map(withoutPlace);
}

/** Ours adds a similar name to an unknown field. */
const withoutHint = (line: string) => line.replace(/; did you mean ".*"\?$/, "");

it.compared(
  "nats-server and ours give the same verdict on configurations about JetStream, with the same text",
  async () => {
    expect(CONFIGURATIONS.length).toBeGreaterThan(150);
    expect(new Set(CONFIGURATIONS).size).toBe(CONFIGURATIONS.length);
    const reference = await answerOfReference(() => CONFIGURATIONS.map(configuration => [configuration, ...theirs(configuration)]));
    const own = CONFIGURATIONS.map(configuration => [configuration, ...ours(configuration).map(withoutHint)]);
    expect(it.comparable(own)).toEqual(reference);
  },
  60_000,
);

const MIB = 1_024 ** 2;

function optionsOf(configuration: string, given: GivenOptions = {}): Options {
  return completeOptions(mergeOptions(loadConfigText(configuration, {}).options, given));
}

test("every field of the block is read by every name", () => {
  const cases: readonly (readonly [names: string, value: string, options: Partial<JetStreamOptions>])[] = [
    ["enabled enable", "false", { enabled: false }],
    ["max_memory_store max_mem_store max_mem", '"2M"', { memoryBytesMax: 2 * MIB }],
    ["max_memory_store", "0", { memoryBytesMax: 0 }],
    ["max_memory_store", "-5", { memoryBytesMax: null }],
    ["max_file_store max_file", "1GB", { fileBytesMax: 1_024 * MIB }],
    ["sync_interval sync", '"1.5s"', { syncIntervalMs: 1_500 }],
    ["sync_interval sync", "always", { syncAlways: true }],
    ["sync_interval", '"-1s"', { syncIntervalMs: null }],
    ["domain", "hub", { domain: "hub" }],
    ["encryption_key key ek", "secret", { encryptionKey: "secret" }],
    ["prev_encryption_key prev_key prev_ek", "old", { previousEncryptionKey: "old" }],
    ["cipher", "AES", { cipher: "aes" }],
    ["cipher", "ChaChaPoly", { cipher: "chacha" }],
    ["strict", "false", { strict: false }],
    ["request_queue_limit", "5", { requestQueueMax: 5 }],
    ["request_queue_limit", "-5", { requestQueueMax: 10_000 }],
    ["info_queue_limit", "5", { infoQueueMax: 5 }],
    ["info_queue_limit", "0", { infoQueueMax: null }],
    ["max_buffered_msgs", "5", { bufferedMessagesMax: 5 }],
    ["max_buffered_size", "5", { bufferedBytesMax: 5 }],
    ["max_concurrent_io", "5", { concurrentIoMax: 5 }],
    ["unique_tag", '" AZ: "', { uniqueTag: "az:" }],
    ["extension_hint", "will_extend", { extensionHint: "will_extend" }],
    ["max_outstanding_catchup", '"1K"', { catchupBytesMax: 1_024 }],
    ["meta_compact", "5", { metaCompactEntries: 5 }],
    ["meta_compact_size", '"1K"', { metaCompactBytes: 1_024 }],
    ["meta_compact_sync", "true", { metaCompactSync: true }],
    [
      "limits",
      "{ max_ack_pending: 1, max_ha_assets: 2, max_request_batch: 3, default_max_consumers: -1, duplicate_window: '1.5ms' }",
      {
        limits: {
          ...NO_SERVER_LIMITS,
          ackPendingMax: 1,
          haAssetsMax: 2,
          requestBatchMax: 3,
          defaultConsumersMax: -1,
          duplicateWindowMs: 1.5,
        },
      },
    ],
    ["limits", "{ default_max_consumers: 0 }", { limits: NO_SERVER_LIMITS }],
    [
      "limits",
      "{ batch { max_inflight_per_stream: 1, max_inflight_total: 2, max_msgs: 3, timeout: 4s } }",
      { limits: { ...NO_SERVER_LIMITS, batchesPerStreamMax: 1, batchesMax: 2, batchMessagesMax: 3, batchTimeoutMs: 4_000 } },
    ],
  ];
  for (const [names, value, options] of cases) {
    for (const name of names.split(" ")) {
      expect(optionsOf(`jetstream { ${name}: ${value} }`).jetStream, name).toEqual({ ...JETSTREAM_OFF, enabled: true, ...options });
    }
  }
});

test("the store directory stands in the block or at the top level", () => {
  for (const configuration of [
    "store_dir: /a",
    "storedir: /a",
    ...field("store_dir", "/a"),
    ...field("storedir", "/a"),
    ...field("store", "/a"),
  ]) {
    expect(optionsOf(configuration).storeDirectory, configuration).toBe("/a");
  }
  expect(optionsOf("jetstream: true").storeDirectory).toBe(null);
  expect(optionsOf('jetstream: true, store_dir: ""').storeDirectory).toBe(null);
});

test("the limits of an account are read by every name", () => {
  const jetStreamOf = (configuration: string) => optionsOf(configuration).accounts[0]!.jetStream;
  const limits: Readonly<Record<string, string>> = {
    "max_memory max_mem mem memory": "memoryBytesMax",
    "max_store max_file max_disk store disk": "storageBytesMax",
    "max_streams streams": "streamsMax",
    "max_consumers consumers": "consumersMax",
    "mem_max_stream_bytes memory_max_stream_bytes": "memoryStreamBytesMax",
    "disk_max_stream_bytes store_max_stream_bytes": "storageStreamBytesMax",
    max_ack_pending: "ackPendingMax",
  };
  const only = (tier: object): AccountJetStream => ({ tiers: { "": { ...UNLIMITED, ...tier } }, clusterTraffic: "system" });
  for (const [names, limitName] of Object.entries(limits)) {
    for (const name of names.split(" ")) {
      expect(jetStreamOf(`accounts { A { jetstream { ${name}: 7K } } }`), name).toEqual(only({ [limitName]: 7_000 }));
    }
  }
  for (const name of ["max_bytes_required", "max_stream_bytes", "max_bytes"]) {
    expect(jetStreamOf(`accounts { A { jetstream { ${name}: true } } }`), name).toEqual(only({ streamBytesRequired: true }));
  }
  expect(jetStreamOf("accounts { A { jetstream { cluster_traffic: owner } } }")?.clusterTraffic).toBe("owner");
  for (const on of ["true", "enabled", "{}"]) expect(jetStreamOf(`accounts { A { jetstream: ${on} } }`), on).toEqual(UNLIMITED_ACCOUNT);
  for (const off of ["false", "disabled"]) expect(jetStreamOf(`accounts { A { jetstream: ${off} } }`), off).toBe(null);
});

test("a program gives true, false or an object; fields that it gives override those of a file", () => {
  const completed = (jetStream: GivenOptions["jetStream"]) => completeOptions({ jetStream } as GivenOptions);
  expect(completed(true).jetStream).toEqual({ ...JETSTREAM_OFF, enabled: true });
  expect(completed(false).jetStream).toEqual(JETSTREAM_OFF);
  const { jetStream, storeDirectory } = completed({ storeDirectory: "/a", memoryBytesMax: 5, limits: { ackPendingMax: 7 } });
  expect(storeDirectory).toBe("/a");
  expect(jetStream).toEqual({
    ...JETSTREAM_OFF,
    enabled: true,
    memoryBytesMax: 5,
    limits: { ...NO_SERVER_LIMITS, ackPendingMax: 7 },
  });
  const file = "jetstream { store_dir: /a, max_mem: 5, domain: hub }";
  expect(optionsOf(file, { jetStream: { storeDirectory: "/b", domain: "leaf" } })).toMatchObject({
    storeDirectory: "/b",
    jetStream: { enabled: true, memoryBytesMax: 5, domain: "leaf" },
  });
  expect(optionsOf(file, { jetStream: false }).jetStream).toMatchObject({ enabled: false, domain: "hub" });
  expect(optionsOf("jetstream { enabled: false, domain: hub }", { jetStream: true }).jetStream).toMatchObject({
    enabled: true,
    domain: "hub",
  });
  expect(optionsOf(file, { storeDirectory: "/c" } as GivenOptions)).toMatchObject({ storeDirectory: "/c", jetStream: { enabled: true } });
  const { accounts } = completeOptions({
    accounts: [
      { name: "A", jetStream: true },
      { name: "B", jetStream: { streamsMax: 5 } },
    ],
  });
  expect(accounts.map(account => account.jetStream?.tiers)).toEqual([{ "": UNLIMITED }, { "": { ...UNLIMITED, streamsMax: 5 } }]);
});

function faultOf(given: unknown): string | null {
  try {
    completeOptions(given as GivenOptions);
    return null;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return error.message;
  }
}

test("a wrong value of a program is refused with its place", () => {
  const wrong: readonly (readonly [given: unknown, text: string])[] = [
    [5, 'option "jetStream" must be a boolean or an object'],
    ["enabled", 'option "jetStream" must be a boolean or an object'],
    [{ storeDir: "/a" }, 'unknown option "jetStream.storeDir"'],
    [{ storeDirectory: 5 }, 'option "jetStream.storeDirectory" must be a string'],
    [{ memoryBytesMax: -1 }, 'option "jetStream.memoryBytesMax" cannot be negative'],
    [{ memoryBytesMax: "1G" }, 'option "jetStream.memoryBytesMax" must be a number'],
    [{ syncIntervalMs: 0 }, 'option "jetStream.syncIntervalMs" must be more than 0'],
    [{ syncIntervalMs: Number.NaN }, 'option "jetStream.syncIntervalMs" must be a number'],
    [{ cipher: "x" }, 'option "jetStream.cipher" must be "chacha" or "aes"'],
    [{ limits: { foo: 1 } }, 'unknown option "jetStream.limits.foo"'],
    [{ requestQueueMax: 0 }, 'option "jetStream.requestQueueMax" must be more than 0'],
    [{ concurrentIoMax: 3 }, 'option "jetStream.concurrentIoMax" must be 4 to 8192'],
    [{ domain: "a.b" }, "invalid domain name: may not contain ., * or >"],
  ];
  for (const [jetStream, text] of wrong) expect(faultOf({ jetStream }), text).toBe(text);
  expect(faultOf({ accounts: [{ name: "A", jetStream: 5 }] })).toBe('option "accounts[0].jetStream" must be a boolean or an object');
  expect(faultOf({ accounts: [{ name: "A", jetStream: { foo: 5 } }] })).toBe('unknown option "accounts[0].jetStream.foo"');
});

test("a TPM is refused by name, and only with a key file", () => {
  const fault = (configuration: string) => {
    writeFileSync(file, configuration);
    const { lines } = checkConfig({ configFile: file, options: {}, flagError: null, reloadFile: null });
    return lines.join().replace(directory, "");
  };
  expect(fault("jetstream {\n  tpm { keys_file: k } }")).toBe('/server.conf:2:3: "tpm" is not supported (TPM)\n');
  expect(fault("jetstream {\n  tpm { pcr: 5 } }")).toContain("is valid");
});

const on = (fields: string) => `jetstream { ${fields} }`;

/** A file, and one to reload. */
const RELOADS: readonly (readonly [before: string, after: string])[] = [
  ["port: 4222", "port: 4222, jetstream: true"],
  ["jetstream: true", "jetstream: false"],
  ["jetstream: true", "port: 4222"],
  [on("max_mem: 1G, store_dir: /a, max_file: 2G"), "port: 4222"],
  [on("max_mem: 1G"), on("max_mem: 2G")],
  [on("max_mem: 2G"), on("max_mem: 1G")],
  [on("max_mem: 2G"), on("max_mem: 0")],
  [on("max_mem: 0"), on("max_mem: 2G")],
  [on("max_mem: 2G"), on("")],
  [on(""), on("max_mem: 2G")],
  [on("max_file: 1G"), on("max_file: 2G")],
  [on("max_file: 2G"), on("max_file: 1G")],
  [on("max_file: 2G"), on("")],
  [on(""), on("max_file: 2G")],
  [on("enabled: false"), on("enabled: false, max_mem: 2G")],
  [on("enabled: false, max_mem: 2G"), on("max_mem: 1G")],
  [on("store_dir: /a"), on("store_dir: /b")],
  [on("store_dir: /a"), on("")],
  [on(""), on("store_dir: /b")],
  ["store_dir: /a", "store_dir: /b"],
  [on("store_dir: /a"), "store_dir: /a, jetstream: true"],
  [on("strict: true"), on("strict: false")],
  [on("domain: a"), on("domain: b")],
  [on("enabled: false"), on("enabled: false, domain: b")],
  [on("extension_hint: no_extend"), on("")],
  [on("cipher: aes"), on("cipher: chacha")],
  [on("unique_tag: a"), on("unique_tag: b")],
  [on("max_outstanding_catchup: 5"), on("max_outstanding_catchup: 6")],
  [on("request_queue_limit: 5"), on("request_queue_limit: 6")],
  [on("info_queue_limit: 5"), on("")],
  [on("max_concurrent_io: 5"), on("max_concurrent_io: 6")],
  [on("max_concurrent_io: 5"), "jetstream: false"],
  [on("max_buffered_msgs: 5"), on("max_buffered_msgs: 6")],
  [on("max_buffered_size: 5"), on("max_buffered_size: 6")],
  [on("sync_interval: 10s"), on("sync_interval: 20s")],
  [on(""), on("sync: always")],
  [on("meta_compact: 5, meta_compact_size: 6, meta_compact_sync: true"), on("")],
  [on("limits { max_ack_pending: 5 }"), on("limits { max_ack_pending: 6, duplicate_window: 5s }")],
  [on("domain: a, strict: true"), on("domain: b, strict: false")],
  ["jetstream: true, default_js_domain { $G: a }".replace("$G", '"$G"'), "jetstream: true"],
  ["feature_flags { js_ack_fc_v2: true }", "feature_flags { js_ack_fc_v2: false }"],
  ["jetstream: true, accounts { A { jetstream: true } }", "jetstream: true, accounts { A { jetstream { max_mem: 5 } } }"],
];

it.compared(
  "nats-server and ours agree which changes a reload accepts, with the same text",
  async () => {
    const second = `${file}.new`;
    const write = ([before, after]: readonly [string, string]) => {
      writeFileSync(file, before);
      writeFileSync(second, after);
    };
    const reference = await answerOfReference(() =>
      RELOADS.map(pair => {
        write(pair);
        return [...pair, ...linesOf(reloadVerdictOn(file, second))];
      }),
    );
    const own = RELOADS.map(pair => {
      write(pair);
      const { lines } = checkConfig({ configFile: file, options: {}, flagError: null, reloadFile: second });
      return [...pair, ...linesOf(lines.join("\n"))];
    });
    expect(it.comparable(own)).toEqual(reference);
  },
  60_000,
);

test("a changed encryption key needs a restart, and is not shown; nats-server shows it", () => {
  const before = optionsOf(on("key: secret1"));
  const [change] = diffOptions(before, optionsOf(on("key: secret2")));
  expect(change?.refusal).toBe("config reload not supported for JetStreamKey: old=[REDACTED], new=[REDACTED]");
});
