/**
 * Makes a header block readable for every client, before the server adds a field to it that the client must not be able to hide.
 *
 *   NATS/1.0␍␊ A: b␍␊ ␍␊ …    readers stop at the first blank line
 *   NATS/1.0␍␊ A: b␊ …         some end a line at a bare ␊ or ␍, others do not
 *   NATS/1.0␍␊ A b␍␊ …         Go's reader refuses the whole block for one such line, and its client then shows no field at all
 * A block that all readers take the same way is left alone, byte for byte. Of any other block the result has the fields before its first
 * blank line that all readers accept.
 * Source: net/textproto, nats.go, nats.js (behaviour).
 */
import { CR, SPACE } from "../../base/bytes/ascii.ts";
import { checkHeader, HeaderFault } from "./header-read.ts";

const VERSION = "NATS/1.0";
const COLON = 0x3a;
const TAB = 0x09;
const DELETE = 0x7f;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern excludes them
const STATUS_LINE = /^NATS\/1\.0(?: +\d{3}(?: [^\x00-\x1f\x7f]*)?)?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern excludes them
const FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*$/;
/** 1: the byte may stand in a key. */
const IN_KEYS = new Uint8Array(256);
for (const byte of Buffer.from("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) IN_KEYS[byte] = 1;

/** @returns the block itself when every reader finds the same fields in it; else a new, complete block */
export function readableHeader(block: Uint8Array): Uint8Array {
  return isReadable(block) ? block : rebuilt(block);
}

function isReadable(block: Uint8Array): boolean {
  if (checkHeader(block, 0, block.length) !== HeaderFault.None) return false;
  let inKey = false;
  let isFirstLine = true;
  for (let at = 0; at < block.length; at++) {
    const byte = block[at];
    if (byte === CR) {
      at++; // its LF
      inKey = true;
      isFirstLine = false;
    } else if (byte === COLON && !isFirstLine) inKey = false;
    else if (inKey ? IN_KEYS[byte] === 0 : (byte < SPACE && byte !== TAB) || byte === DELETE) return false;
  }
  return true;
}

function rebuilt(block: Uint8Array): Buffer {
  const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString("latin1");
  const [first = "", ...lines] = text.split(/\r\n|\n|\r/);
  const end = lines.indexOf("");
  const fields = (end === -1 ? lines : lines.slice(0, end)).filter(line => FIELD.test(line));
  return Buffer.from(`${[STATUS_LINE.test(first) ? first : VERSION, ...fields].join("\r\n")}\r\n\r\n`, "latin1");
}
