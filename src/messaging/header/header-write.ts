/**
 * Builds and changes header blocks. A given block is never modified, because it is usually part of a read buffer that other code uses too.
 * Every result is a new buffer.
 *
 *   buildHeader   from a status and fields
 *   appendHeader  adds a field at the end
 *   setHeader     removes all fields of that key and adds one at the end
 *   replaceHeader replaces the first value in place and keeps further ones; adds the field if there is none
 *   removeHeader  removes all values of a key; a block without other fields and status becomes null
 * CR and LF in a value become blanks, as in the reference, so that a value cannot contain a field.
 * Source: nats-server, server/client.go (behaviour).
 */
import { CR, LF, SPACE } from "../../base/bytes/ascii.ts";
import { HeaderKey, headerValue, lineEnd } from "./header-read.ts";

const VERSION = "NATS/1.0";
const CRLF = Buffer.from("\r\n");
/** Size of a block without status and fields, bytes. */
const EMPTY_BLOCK_BYTES = VERSION.length + 2 * CRLF.length;

type Bytes = Uint8Array;

/**
 * @param fields keys and values; a key may come more than once. Not empty, without blanks, colons and control characters
 * @param status 0: none, else three digits
 */
export function buildHeader(fields: readonly (readonly [key: string, value: string | Bytes])[], status = 0, description = ""): Buffer {
  if (status !== 0 && !(Number.isInteger(status) && status >= 100 && status <= 999)) throw new RangeError(`status ${status}`);
  const line = [VERSION, ...(status === 0 ? [] : [`${status}`]), ...(status === 0 || description === "" ? [] : [description])].join(" ");
  return Buffer.concat([Buffer.from(oneLine(Buffer.from(line))), CRLF, ...fields.map(([key, value]) => fieldLine(key, value)), CRLF]);
}

/** @param block null: there is none yet */
export function appendHeader(block: Bytes | null, key: string, value: string | Bytes): Buffer {
  return Buffer.concat([withoutBlankLine(block), fieldLine(key, value), CRLF]);
}

/** @param block null: there is none yet */
export function setHeader(block: Bytes | null, key: string, value: string | Bytes): Buffer {
  return appendHeader(block === null ? null : removeHeader(block, key), key, value);
}

/** @param block null: there is none yet */
export function replaceHeader(block: Bytes | null, key: string, value: string | Bytes): Buffer {
  const at = block === null ? -1 : headerValue(block, 0, block.length, new HeaderKey(key));
  if (block === null || at === -1) return appendHeader(block, key, value);
  return Buffer.concat([block.subarray(0, at), oneLine(bytesOf(value)), block.subarray(lineEnd(block, at, block.length))]);
}

/** @returns null if no field and no status remains; the block itself if it does not have the key */
export function removeHeader<T extends Bytes>(block: T, key: string): T | Buffer | null {
  const wanted = Buffer.from(`${key}:`);
  return removeLines(block, wanted);
}

/** Removes the lines that begin with `start`, except the first line of the block and a line without CRLF. */
function removeLines<T extends Bytes>(block: T, start: Bytes): T | Buffer | null {
  const kept: Bytes[] = [];
  let keptFrom = 0;
  for (let at = lineEnd(block, 0, block.length) + 2; at < block.length; ) {
    const stop = lineEnd(block, at, block.length) + 2;
    if (stop <= block.length && startsWith(block, at, start)) {
      kept.push(block.subarray(keptFrom, at));
      keptFrom = stop;
    }
    at = stop;
  }
  if (keptFrom === 0) return block;
  const rest = Buffer.concat([...kept, block.subarray(keptFrom)]);
  return rest.length <= EMPTY_BLOCK_BYTES ? null : rest;
}

function withoutBlankLine(block: Bytes | null): Bytes {
  if (block === null || block.length <= CRLF.length) return Buffer.from(`${VERSION}\r\n`);
  const end = block.length;
  return block[end - 2] === CR && block[end - 1] === LF ? block.subarray(0, end - 2) : block;
}

function fieldLine(key: string, value: string | Bytes): Buffer {
  if (key === "" || /[^\x21-\x39\x3b-\x7e]/.test(key)) throw new RangeError(`header key ${JSON.stringify(key)}`);
  return Buffer.concat([Buffer.from(`${key}: `), oneLine(bytesOf(value)), CRLF]);
}

function oneLine(value: Bytes): Bytes {
  if (value.indexOf(CR) === -1 && value.indexOf(LF) === -1) return value;
  return value.map(byte => (byte === CR || byte === LF ? SPACE : byte));
}

function bytesOf(value: string | Bytes): Bytes {
  return typeof value === "string" ? Buffer.from(value) : value;
}

function startsWith(bytes: Bytes, at: number, prefix: Bytes): boolean {
  if (bytes.length - at < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}
