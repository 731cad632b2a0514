import { expect, test } from "bun:test";
import { UNLIMITED_ACCOUNT } from "./account-jetstream.ts";
import { UNLIMITED } from "./account-limits.ts";
import { friendlyBytes } from "./friendly-bytes.ts";
import { durabilityOf, JETSTREAM_OFF, type JetStreamOptions } from "./jetstream-options.ts";
import { jetStreamSettings, type Machine, settleFileLimit } from "./jetstream-settings.ts";
import { reloadLines } from "./reload-lines.ts";
import { accountLines, endLine, openingLines, restoredText, restoringText, settingsLines } from "./start-lines.ts";

const GIB = 1_024 ** 3;
const MACHINE: Machine = { temporaryDirectory: "/tmp", memoryBytes: 8 * GIB, freeBytes: () => 40 * GIB };
const on = (options: Partial<JetStreamOptions> = {}): JetStreamOptions => ({ ...JETSTREAM_OFF, enabled: true, ...options });

test("limits that are not configured are 75 % of what the machine has", () => {
  expect(jetStreamSettings(on(), "/a", MACHINE)).toMatchObject({
    storeDirectory: "/a/jetstream",
    isTemporary: false,
    memoryBytesMax: 6 * GIB,
    fileBytesMax: 30 * GIB,
    isDynamic: true,
    fileLimitIsProvisional: true,
  });
  const unknown = { ...MACHINE, memoryBytes: null, freeBytes: () => null };
  expect(jetStreamSettings(on(), "/a", unknown)).toMatchObject({ memoryBytesMax: GIB / 4, fileBytesMax: 1_024 * GIB });
  expect(jetStreamSettings(on({ memoryBytesMax: 0, fileBytesMax: 0 }), "/a", MACHINE)).toMatchObject({
    memoryBytesMax: 0,
    fileBytesMax: 0,
    fileLimitIsProvisional: false,
  });
});

test("without a directory a temporary one is used, which depends on the limits as in the reference", () => {
  const directory = (options: Partial<JetStreamOptions>) => jetStreamSettings(on(options), null, MACHINE).storeDirectory;
  expect(directory({})).toBe("/tmp/nats/jetstream");
  expect(directory({ memoryBytesMax: 5 })).toBe("/tmp/nats/jetstream");
  expect(directory({ memoryBytesMax: 5, fileBytesMax: 5 })).toBe("/tmp/jetstream");
});

test("after recovery a measured limit grows by 75 % of what the streams occupy, and a configured one stays", () => {
  const settled = settleFileLimit(jetStreamSettings(on(), "/a", MACHINE), 4_004);
  expect(settled).toMatchObject({ fileBytesMax: 30 * GIB + 3_003, fileLimitIsProvisional: false });
  expect(settleFileLimit(settled, 4_004)).toBe(settled);
  const configured = jetStreamSettings(on({ fileBytesMax: 5 }), "/a", MACHINE);
  expect(settleFileLimit(configured, 4_004)).toBe(configured);
});

test("messages are synced before they are acknowledged unless an interval is given", () => {
  expect(durabilityOf(on())).toBe("synced");
  expect(durabilityOf(on({ syncAlways: true }))).toBe("synced");
  expect(durabilityOf(on({ syncIntervalMs: 120_000 }))).toBe("interval");
});

test("a start logs the reference's lines, and one about durability", () => {
  const settings = jetStreamSettings(on(), null, MACHINE);
  expect(openingLines(settings)).toEqual([
    { level: "notice", text: "Starting JetStream" },
    { level: "warn", text: "Temporary storage directory used, data could be lost on system reboot" },
    { level: "debug", text: "JetStream creating dynamic configuration - 6.00 GB memory, 30.00 GB disk" },
  ]);
  const texts = settingsLines(settings).map(({ level, text }) => `${level}: ${text}`);
  expect(texts.slice(7)).toEqual([
    "notice: ---------------- JETSTREAM ----------------",
    "notice:   Strict:          true",
    "notice:   Max Memory:      6.00 GB",
    "notice:   Max Storage:     30.00 GB",
    'notice:   Store Directory: "/tmp/nats/jetstream"',
    "notice:   Durability:      synced before acknowledged",
    "notice:   API Level:       5",
    "notice: -------------------------------------------",
    "debug:   Exports:",
    "debug:      $JS.API.>",
  ]);
  expect(endLine(1_234_567)).toEqual({ level: "notice", text: "Took 1.234567ms to start JetStream" });
});

test("the restore of a stream is logged with its messages and whole milliseconds", () => {
  expect(restoringText("A", "S")).toBe("  Starting restore for stream 'A > S'");
  expect(restoredText("A", "S", 1_234_567, 1_500.4)).toBe("  Restored 1,234,567 messages for stream 'A > S' in 1.5s");
  expect(restoredText("A", "S", 0, 0.4)).toBe("  Restored 0 messages for stream 'A > S' in 0s");
});

test("domain, encryption and an interval are logged when they are configured", () => {
  const options = on({
    domain: "hub",
    encryptionKey: "secret",
    cipher: "aes",
    strict: false,
    memoryBytesMax: 0,
    fileBytesMax: 100_000_000,
    syncIntervalMs: 10_000,
  });
  const settings = jetStreamSettings(options, "/a", MACHINE);
  expect(openingLines({ ...settings, isDynamic: false }).map(({ text }) => text)).toEqual(["Starting JetStream"]);
  expect(
    settingsLines(settings)
      .map(({ text }) => text)
      .slice(8, 15),
  ).toEqual([
    "  Max Memory:      0 B",
    "  Max Storage:     95.37 MB",
    '  Store Directory: "/a/jetstream"',
    "  Domain:          hub",
    "  Encryption:      AES-GCM",
    "  Durability:      synced every 10s; a power failure may lose acknowledged messages (sync_interval)",
    "  API Level:       5",
  ]);
  expect(settingsLines(jetStreamSettings(on({ encryptionKey: "secret" }), "/a", MACHINE)).map(({ text }) => text)).toContain(
    "  Encryption:      ChaCha20-Poly1305",
  );
});

test("an enabled account is logged with the limits of its tiers", () => {
  const lines = (name: string, tiers: typeof UNLIMITED_ACCOUNT.tiers) =>
    accountLines(name, { ...UNLIMITED_ACCOUNT, tiers }).map(({ text }) => text);
  expect(lines("$G", UNLIMITED_ACCOUNT.tiers)).toEqual([
    'Enabled JetStream for account "$G"',
    "  Max Memory:      -1 B",
    "  Max Storage:     -1 B",
  ]);
  expect(lines("A", { R3: UNLIMITED, R1: { ...UNLIMITED, storageBytesMax: 2_048 } })).toEqual([
    'Enabled JetStream for account "A"',
    "  Tier: R1",
    "    Max Memory:      -1 B",
    "    Max Storage:     2.00 KB",
    "  Tier: R3",
    "    Max Memory:      -1 B",
    "    Max Storage:     -1 B",
  ]);
});

test("bytes are shown in powers of 1024", () => {
  expect([0, -1, 1_023, 1_024, 1_048_576, 10_000_000, 2 ** 40].map(friendlyBytes)).toEqual([
    "0 B",
    "-1 B",
    "1023 B",
    "1.00 KB",
    "1.00 MB",
    "9.54 MB",
    "1.00 TB",
  ]);
});

test("a reload logs what changed", () => {
  const before = on({ memoryBytesMax: 1_024, fileBytesMax: 1_024 });
  expect(reloadLines(before, { ...before, memoryBytesMax: 2_048, fileBytesMax: 4_096 })).toEqual([
    "Reloaded: JetStream max_mem_store = 2.00 KB",
    "Reloaded: JetStream max_file_store = 4.00 KB",
  ]);
  expect(reloadLines(before, JETSTREAM_OFF)).toEqual(["Reloaded: JetStream"]);
  expect(reloadLines(JETSTREAM_OFF, before)).toEqual(["Reloaded: JetStream"]);
  expect(reloadLines(before, { ...before, limits: { ...before.limits, ackPendingMax: 5 } })).toEqual(["Reloaded: JetStream limits"]);
  expect(reloadLines(before, { ...before, metaCompactEntries: 5 })).toEqual([]);
});
