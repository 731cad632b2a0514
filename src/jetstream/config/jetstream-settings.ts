/**
 * The settings with which JetStream runs: its options, completed with what is measured on the machine.
 *
 *   options ──┬─ store_dir / jetstream           or <temporary directory>/nats/jetstream, with a warning
 *             ├─ max_mem                         or 75 % of the memory
 *             └─ max_file                        or 75 % of the free space, provisional until streams are recovered
 * The free space shrinks by what the streams themselves occupy, so `settleFileLimit` adds it again after they were recovered; else the limit
 * would be lower after each restart. Until then reservations are not checked against it.
 * Source: reference, jetstream.md §7.4.
 */
import { join } from "node:path";
import { type Durability, durabilityOf, type JetStreamOptions, SYNC_INTERVAL_MS } from "./jetstream-options.ts";

/** What is measured on the machine. */
export interface Machine {
  /** The directory for temporary files. */
  readonly temporaryDirectory: string;
  /** Bytes of memory that the process may use; null: unknown. */
  readonly memoryBytes: number | null;
  /** Free bytes of the disk with this directory, which is created if it does not exist; null: unknown. */
  freeBytes(directory: string): number | null;
}

export interface JetStreamSettings {
  /** With `jetstream` at its end. */
  readonly storeDirectory: string;
  /** The directory is the default, whose files a reboot may delete. */
  readonly isTemporary: boolean;
  readonly memoryBytesMax: number;
  readonly fileBytesMax: number;
  /** A limit was measured, not configured. */
  readonly isDynamic: boolean;
  /** `fileBytesMax` is provisional until `settleFileLimit`. */
  readonly fileLimitIsProvisional: boolean;
  readonly durability: Durability;
  readonly options: JetStreamOptions;
}

/** The name of JetStream's directory in the configured one. */
const DIRECTORY = "jetstream";
const UNKNOWN_MEMORY_BYTES = 256 * 1_024 ** 2;
const UNKNOWN_FILE_BYTES = 1_024 ** 4;

/** 75 %, as the reference computes it. */
const threeQuarters = (bytes: number) => Math.floor(bytes / 4) * 3;

export function jetStreamSettings(options: JetStreamOptions, storeDirectory: string | null, machine: Machine): JetStreamSettings {
  const { memoryBytesMax, fileBytesMax } = options;
  // The reference chooses another temporary directory when both limits are above 0.
  const temporary = memoryBytesMax && fileBytesMax ? machine.temporaryDirectory : join(machine.temporaryDirectory, "nats");
  const directory = join(storeDirectory ?? temporary, DIRECTORY);
  return {
    storeDirectory: directory,
    isTemporary: storeDirectory === null,
    memoryBytesMax: memoryBytesMax ?? memoryLimit(machine),
    fileBytesMax: fileBytesMax ?? fileLimit(machine, directory),
    isDynamic: !memoryBytesMax || !fileBytesMax,
    fileLimitIsProvisional: fileBytesMax === null,
    durability: durabilityOf(options),
    options,
  };
}

function memoryLimit({ memoryBytes }: Machine): number {
  return memoryBytes === null ? UNKNOWN_MEMORY_BYTES : threeQuarters(memoryBytes);
}

function fileLimit({ freeBytes }: Machine, directory: string): number {
  const free = freeBytes(directory);
  return free === null ? UNKNOWN_FILE_BYTES : threeQuarters(free);
}

/** The settings after recovery. @param recoveredBytes of all file streams */
export function settleFileLimit(settings: JetStreamSettings, recoveredBytes: number): JetStreamSettings {
  if (!settings.fileLimitIsProvisional) return settings;
  const fileBytesMax = Math.min(Number.MAX_SAFE_INTEGER, settings.fileBytesMax + threeQuarters(recoveredBytes));
  return { ...settings, fileBytesMax, fileLimitIsProvisional: false };
}

/** Interval between background syncs, in milliseconds, as the reference shows it. */
export function shownSyncInterval({ syncIntervalMs }: JetStreamOptions): number {
  return syncIntervalMs ?? SYNC_INTERVAL_MS;
}
