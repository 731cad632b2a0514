/**
 * `cache.json` of the OCSP cache, in the reference's format: either server reads what the other wrote.
 *
 *   { "<base64 SHA-256 of a certificate's DER>": { "subject", "cached_at", "resp_status", "resp_expires", "resp": base64 of an S2 stream } }
 * The file is replaced atomically: a temporary file is written, synced and renamed.
 */
import { join, resolve } from "node:path";
import type { Disk } from "../../../../base/disk/disk.ts";
import { replaceFile } from "../../../../base/disk/replace-file.ts";
import type { OcspStatus } from "./ocsp-response.ts";
import type { OcspLog } from "./ocsp-rules.ts";

export interface CacheEntry {
  readonly subject: string;
  /** RFC 3339, like the next two; only stored, never parsed. */
  readonly cachedAt: string;
  readonly expires: string;
  readonly status: OcspStatus;
  /** The response, compressed. */
  readonly stream: Uint8Array;
}

const FILE_NAME = "cache.json";
const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o600;
const FAULTS: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ENOSPC: "no space left on device",
  EROFS: "read-only file system",
};

/** @returns the file's entries, an empty map when there is no file; null when it could not be read, which is logged */
export function loadCacheFile(disk: Disk, directory: string, log: OcspLog): Map<string, CacheEntry> | null {
  const path = resolve(join(directory, FILE_NAME));
  log.debug(`Loading OCSP peer cache [${path}]`);
  let text: string;
  try {
    text = disk.readFile(path).toString("utf8");
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") log.debug("No OCSP peer cache found, starting with empty cache");
    else log.warn(`Unable to load OCSP peer cache: ${syscall ?? "open"} ${path}: ${faultText(error)}`);
    return new Map(); // the file is not overwritten before there is a new entry
  }
  try {
    return entriesIn(JSON.parse(text));
  } catch (error) {
    log.warn(`Unable to load OCSP peer cache: ${(error as Error).message}`);
    return null;
  }
}

function entriesIn(value: unknown): Map<string, CacheEntry> {
  const rows = Object.entries(value === null ? {} : objectOf(value, "the cache"));
  return new Map(rows.map(([key, row]) => [key, entryOf(objectOf(row, key))]));
}

function objectOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`json: ${name} is not an object`);
}

function entryOf(row: Record<string, unknown>): CacheEntry {
  const resp = textOf(row, "resp");
  if (resp.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(resp)) throw new Error("json: resp is not base64");
  const status = row.resp_status ?? "revoked"; // the safe reading of an entry that does not say it
  return {
    subject: textOf(row, "subject"),
    cachedAt: timeOf(row, "cached_at"),
    expires: timeOf(row, "resp_expires"),
    status: status === "good" || status === "revoked" ? status : "unknown",
    stream: Buffer.from(resp, "base64"),
  };
}

function textOf(row: Record<string, unknown>, name: string): string {
  const value = row[name] ?? "";
  if (typeof value === "string") return value;
  throw new Error(`json: ${name} is not a string`);
}

function timeOf(row: Record<string, unknown>, name: string): string {
  const text = textOf(row, name);
  if (text === "") return "0001-01-01T00:00:00Z";
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return text;
  throw new Error(`json: ${name} is not a time`);
}

/** Logs the outcome. @returns false when it could not be saved; the file is then unchanged */
export async function saveCacheFile(
  disk: Disk,
  directory: string,
  entries: ReadonlyMap<string, CacheEntry>,
  log: OcspLog,
): Promise<boolean> {
  const path = resolve(join(directory, FILE_NAME));
  log.debug(`Saving OCSP peer cache [${path}]`);
  const text = textOfEntries(entries);
  try {
    makeDirectory(disk, directory);
    const temporary = join(directory, `ocsprc-${crypto.randomUUID()}`);
    await replaceFile(disk, { path, temporary, mode: "exclusive", permissions: FILE_MODE }, Buffer.from(text));
  } catch (error) {
    const { syscall, path: at } = error as NodeJS.ErrnoException;
    log.error(`Unable to save OCSP peer cache: ${syscall ?? "write"} ${at ?? path}: ${faultText(error)}`);
    return false;
  }
  log.debug(`Saved OCSP peer cache successfully (${Buffer.byteLength(text)} bytes)`);
  return true;
}

/** Creates one directory, but not its parents. */
function makeDirectory(disk: Disk, directory: string): void {
  try {
    disk.makeDirectory(directory, DIRECTORY_MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function textOfEntries(entries: ReadonlyMap<string, CacheEntry>): string {
  const rows = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const value = rows.map(([key, { subject, cachedAt, status, expires, stream }]) => [
    key,
    {
      ...(subject === "" ? {} : { subject }),
      cached_at: cachedAt,
      resp_status: status,
      resp_expires: expires,
      resp: Buffer.from(stream).toString("base64"),
    },
  ]);
  return JSON.stringify(Object.fromEntries(value), null, 1);
}

function faultText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return FAULTS[code ?? ""] ?? message;
}
