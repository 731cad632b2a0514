/**
 * The log lines of JetStream's start, with the reference's texts and order, and one line of ours about durability.
 *
 *   Starting JetStream ▸ warning of a temporary directory ▸ banner ▸ settings ▸ (recovery of accounts) ▸ Took 1.2ms to start JetStream
 * A start that fails logs its first and last line too.
 */
import { goDuration } from "../../base/go/duration.ts";
import { quoted } from "../../base/go/strconv.ts";
import { type AccountJetStream, SINGLE_TIER } from "./account-jetstream.ts";
import { friendlyBytes } from "./friendly-bytes.ts";
import type { JetStreamOptions } from "./jetstream-options.ts";
import type { JetStreamSettings } from "./jetstream-settings.ts";

export interface LogLine {
  readonly level: "notice" | "warn" | "debug";
  readonly text: string;
}

const notice = (text: string): LogLine => ({ level: "notice", text });
const debug = (text: string): LogLine => ({ level: "debug", text });

const NANOSECONDS_PER_MILLISECOND = 1_000_000;

export const STARTING_JETSTREAM = "Starting JetStream";

const BANNER = [
  "    _ ___ _____ ___ _____ ___ ___   _   __  __",
  " _ | | __|_   _/ __|_   _| _ \\ __| /_\\ |  \\/  |",
  "| || | _|  | | \\__ \\ | | |   / _| / _ \\| |\\/| |",
  " \\__/|___| |_| |___/ |_| |_|_\\___/_/ \\_\\_|  |_|",
  "",
  "         https://docs.nats.io/jetstream",
  "",
];

const CIPHERS: Record<JetStreamOptions["cipher"], string> = { chacha: "ChaCha20-Poly1305", aes: "AES-GCM" };

/** The level of the API that this server implements. */
export const API_LEVEL = 5;

/** From `Starting JetStream` on, before the directory is opened. */
export function openingLines(settings: JetStreamSettings): readonly LogLine[] {
  const { isTemporary, isDynamic, memoryBytesMax, fileBytesMax } = settings;
  const [memory, disk] = [memoryBytesMax, fileBytesMax].map(friendlyBytes);
  return [
    notice(STARTING_JETSTREAM),
    ...(isTemporary ? [{ level: "warn", text: "Temporary storage directory used, data could be lost on system reboot" } as const] : []),
    ...(isDynamic ? [debug(`JetStream creating dynamic configuration - ${memory} memory, ${disk} disk`)] : []),
  ];
}

/** After the directory was opened. */
export function settingsLines(settings: JetStreamSettings): readonly LogLine[] {
  const { options, memoryBytesMax, fileBytesMax, storeDirectory } = settings;
  return [
    ...BANNER.map(notice),
    notice("---------------- JETSTREAM ----------------"),
    ...(options.strict ? [notice("  Strict:          true")] : []),
    notice(`  Max Memory:      ${friendlyBytes(memoryBytesMax)}`),
    notice(`  Max Storage:     ${friendlyBytes(fileBytesMax)}`),
    notice(`  Store Directory: "${storeDirectory}"`),
    ...(options.domain === "" ? [] : [notice(`  Domain:          ${options.domain}`)]),
    ...(options.encryptionKey === "" ? [] : [notice(`  Encryption:      ${CIPHERS[options.cipher]}`)]),
    notice(`  Durability:      ${durabilityText(settings)}`),
    notice(`  API Level:       ${API_LEVEL}`),
    notice("-------------------------------------------"),
    debug("  Exports:"),
    debug("     $JS.API.>"),
  ];
}

function durabilityText({ durability, options }: JetStreamSettings): string {
  if (durability === "synced") return "synced before acknowledged";
  return `synced every ${goDuration(options.syncIntervalMs! * 1e6)}; a power failure may lose acknowledged messages (sync_interval)`;
}

/** An account that was enabled. @param name as it is configured */
export function accountLines(name: string, { tiers }: AccountJetStream): readonly LogLine[] {
  const lines = [debug(`Enabled JetStream for account ${quoted(name)}`)];
  for (const [tier, { memoryBytesMax, storageBytesMax }] of Object.entries(tiers).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (tier !== SINGLE_TIER) lines.push(debug(`  Tier: ${tier}`));
    const indent = tier === SINGLE_TIER ? "" : "  ";
    lines.push(debug(`${indent}  Max Memory:      ${friendlyBytes(memoryBytesMax)}`));
    lines.push(debug(`${indent}  Max Storage:     ${friendlyBytes(storageBytesMax)}`));
  }
  return lines;
}

/** Before a stream is read from the disk. */
export function restoringText(account: string, stream: string): string {
  return `  Starting restore for stream '${account} > ${stream}'`;
}

/** After it. */
export function restoredText(account: string, stream: string, messages: number, milliseconds: number): string {
  const duration = goDuration(Math.round(milliseconds) * NANOSECONDS_PER_MILLISECOND);
  return `  Restored ${messages.toLocaleString("en-US")} messages for stream '${account} > ${stream}' in ${duration}`;
}

/** The last line, also of a start that failed. */
export function endLine(nanoseconds: number): LogLine {
  return notice(`Took ${goDuration(nanoseconds)} to start JetStream`);
}
