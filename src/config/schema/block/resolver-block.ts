/**
 * `resolver`: `MEMORY`, `URL(<address>)`, or a directory.
 *
 * The reference reads any text that contains "mem" as memory, even an address; here an address remains an address. Directories are
 * created when the server starts, not when the file is read.
 */
import { accessSync, constants, statSync } from "node:fs";
import { RESOLVER_DEFAULTS, type ResolverOptions } from "../../../auth/operator/operator-options.ts";
import { goDuration, parseGoDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigMap, type ConfigValue, goTypeOf } from "../../language/config-value.ts";
import { ConfigFault, type Problems } from "../row/problems.ts";
import { booleanIn, integerIn, millisecondsOf, type Reader, reader, safeInteger, textIn } from "../row/reader.ts";

const NO_RESOLVER = 'error parsing account resolver, should be MEM or  URL("url") or a map containing dir and type state=[FULL|CACHE])';

export const resolverReader: Reader<ResolverOptions | null> = reader(
  '`MEMORY`, `URL("<address>")`, or `{ type, dir, limit, ttl, interval, timeout, allow_delete, hard_delete }`',
  (value, { problems }) => {
    const { data } = value;
    if (typeof data === "string") return resolverOfText(data);
    if (!(data instanceof Map)) throw new ConfigFault(`error parsing operator resolver, wrong type ${goTypeOf(data)}`);
    return directoryResolver(data, value, problems);
  },
);

function resolverOfText(text: string): ResolverOptions {
  const url = /URL(?:\(\s*"?([^\s"]*?)"?\s*\))?/i.exec(text);
  if (/^\s*MEM(ORY)?\s*$/i.test(text) || (url === null && /MEM/i.test(text))) return { kind: "memory" };
  if (url === null) throw new ConfigFault(NO_RESOLVER);
  const address = url[1] ?? "";
  if (!isValidUrl(address)) throw new ConfigFault(`error parsing account resolver url [${quoted(address)}]`);
  return { kind: "url", url: address.endsWith("/") ? address : `${address}/` };
}

/** Accepts what Go's URL parser accepts, which is almost anything. The server checks at start whether the address answers. */
function isValidUrl(address: string): boolean {
  if (
    [...address].some(character => character < " " || character === "\x7f") ||
    address.startsWith(":") ||
    /%(?![0-9a-f]{2})/i.test(address)
  )
    return false;
  const authority = /^(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*)/i.exec(address)?.[1];
  if (authority === undefined) return /^[a-z][a-z0-9+.-]*:/i.test(address) || !/^[^/?#]*:/.test(address);
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const port = host.slice(host.lastIndexOf("]") + 1).match(/:.*$/)?.[0] ?? "";
  return /^(:\d*)?$/.test(port) && !/[<>"`{}|^\\ ]/.test(host);
}

interface DirectoryDraft {
  directory: string;
  type: string;
  limit: number;
  ttlMs: number;
  intervalMs: number;
  timeoutMs: number;
  allowDelete: boolean;
  hardDelete: boolean | null;
}

/** As in the reference, field names are case-sensitive and unknown ones are ignored. */
function directoryResolver(map: ConfigMap, at: ConfigValue, problems: Problems): ResolverOptions | null {
  const get = <T>(name: string, read: (value: ConfigValue) => T, initial: T): T => {
    const value = map.get(name);
    return value === undefined ? initial : read(value);
  };
  const draft: DirectoryDraft = {
    directory: get("dir", textIn, ""),
    type: get("type", textIn, "").toUpperCase(),
    allowDelete: get("allow_delete", booleanIn, false),
    hardDelete: get<boolean | null>("hard_delete", booleanIn, null),
    limit: get("limit", value => safeInteger(integerIn(value)), 0),
    ttlMs: get("ttl", timeIn, 0),
    intervalMs: get("interval", timeIn, 0),
    timeoutMs: get("timeout", fetchTimeoutIn, RESOLVER_DEFAULTS.full.fetchTimeoutMs),
  };
  if (draft.type === "MEM" || draft.type === "MEMORY") return { kind: "memory" };
  if (draft.type !== "FULL" && draft.type !== "CACHE") throw new ConfigFault(NO_RESOLVER);
  for (const fault of directoryFaults(draft)) problems.error(at, fault);
  const { directory, limit, ttlMs, intervalMs, timeoutMs, allowDelete, hardDelete } = draft;
  if (draft.type === "CACHE")
    return { kind: "cache", directory, limit: limit > 0 ? limit : RESOLVER_DEFAULTS.cache.limit, ttlMs, fetchTimeoutMs: timeoutMs };
  return {
    kind: "full",
    directory,
    limit: Math.max(0, limit),
    syncIntervalMs: intervalMs > 0 ? intervalMs : RESOLVER_DEFAULTS.full.syncIntervalMs,
    allowDelete,
    hardDelete: allowDelete && hardDelete === true,
    fetchTimeoutMs: timeoutMs,
  };
}

function timeIn(value: ConfigValue): number {
  const nanoseconds = parseGoDuration(textIn(value));
  if (typeof nanoseconds === "string") throw new ConfigFault(nanoseconds);
  return millisecondsOf(nanoseconds);
}

function fetchTimeoutIn(value: ConfigValue): number {
  const nanoseconds = parseGoDuration(textIn(value));
  if (typeof nanoseconds === "string") throw new ConfigFault(nanoseconds);
  if (nanoseconds <= 0n) throw new ConfigFault(`Fetch timeout ${goDuration(Number(nanoseconds))} is too smal`); // the reference's text
  return millisecondsOf(nanoseconds);
}

/** Errors in the combination of fields. */
function directoryFaults({ directory, type, ttlMs, intervalMs, allowDelete, hardDelete }: DirectoryDraft): string[] {
  const faults: [boolean, string][] = [
    [directory === "", "dir has no value and needs to point to a directory"],
    [directory !== "" && !isUsableDirectory(directory), "dir needs to point to an accessible directory"],
    ...(type === "CACHE"
      ? ([
          [intervalMs !== 0, "CACHE does not accept sync"],
          [allowDelete, "CACHE does not accept allow_delete"],
          [hardDelete !== null, "CACHE does not accept hard_delete"],
        ] as [boolean, string][])
      : ([
          [ttlMs !== 0, "FULL does not accept ttl"],
          [hardDelete !== null && !allowDelete, "hard_delete has no effect without delete"],
        ] as [boolean, string][])),
  ];
  return faults.filter(([wrong]) => wrong).map(([, text]) => text);
}

/** A missing directory is accepted, because it is created later. */
function isUsableDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return true;
  if (!found.isDirectory()) return false;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
