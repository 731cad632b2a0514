/**
 * Decodes one S2 block. S2 is Google's Snappy with longer repeats; compressed chunks of a stream hold such blocks.
 *
 *   block = size of the content (varint) · elements           element = tag byte · more bytes
 *   tag & 3:  0 literal   the bytes themselves; (tag >> 2) + 1 of them, or their number is in 1 to 4 bytes after the tag
 *             1 copy      4 to 11 bytes from up to 2 KiB back; offset 0: from as far back as the last copy, up to 16 MiB long
 *             2 copy      1 to 64 bytes from up to 64 KiB back
 *             3 copy      1 to 64 bytes from up to 4 GiB back
 * The bytes are untrusted. The output has the size stated at the block's start, which must be within the caller's bound, so neither
 * memory nor time depends on anything else.
 */

/** The bytes are not S2, or hold more than the caller allows. */
export class S2Error extends Error {
  override name = "S2Error";
}

const LITERAL = 0;
const COPY_SHORT = 1;
const COPY_2 = 2;
/** Literals of up to 60 bytes have their size in the tag; 60 to 63 mean that 1 to 4 size bytes follow. */
const LITERAL_SIZE_IN_TAG_MAX = 59;
const VARINT_BYTES_MAX = 5;

/**
 * @param contentBytesMax a block that states a larger size is refused before anything is allocated
 * @throws S2Error
 */
export function decodeS2Block(block: Uint8Array, contentBytesMax: number): Uint8Array {
  const { value: size, end } = readVarint(block);
  if (size > contentBytesMax) throw new S2Error(`a block of ${size} bytes exceeds the limit of ${contentBytesMax}`);
  const content = new Uint8Array(size);
  decodeElements(block, end, content);
  return content;
}

function readVarint(bytes: Uint8Array): { value: number; end: number } {
  let value = 0;
  for (let at = 0; at < VARINT_BYTES_MAX && at < bytes.length; at++) {
    value += (bytes[at] & 0x7f) * 2 ** (7 * at);
    if (bytes[at] < 0x80) return { value, end: at + 1 };
  }
  throw new S2Error("a block without the size of its content");
}

function decodeElements(block: Uint8Array, start: number, content: Uint8Array): void {
  const end = block.length;
  let at = start;
  let filled = 0;
  let offset = 0; // of the last copy, for repeats
  while (at < end) {
    const tag = block[at++];
    const inTag = tag >> 2;
    let size: number;
    switch (tag & 3) {
      case LITERAL: {
        size = inTag;
        if (inTag > LITERAL_SIZE_IN_TAG_MAX) {
          const digits = inTag - LITERAL_SIZE_IN_TAG_MAX;
          size = littleEndian(block, at, digits);
          at += digits;
        }
        size++;
        if (size > end - at || size > content.length - filled) throw new S2Error("a literal exceeds the block");
        content.set(block.subarray(at, at + size), filled);
        at += size;
        filled += size;
        continue;
      }
      case COPY_SHORT: {
        const near = ((tag & 0xe0) << 3) | littleEndian(block, at++, 1);
        size = (inTag & 7) + 4;
        if (near !== 0) offset = near;
        else if (size > 8) {
          // A repeat with 1 to 3 size bytes; each form counts from the end of the smaller one.
          const digits = size - 8;
          size = littleEndian(block, at, digits) + REPEAT_BASE[digits];
          at += digits;
        }
        break;
      }
      case COPY_2:
        size = inTag + 1;
        offset = littleEndian(block, at, 2);
        at += 2;
        break;
      default:
        size = inTag + 1;
        offset = littleEndian(block, at, 4);
        at += 4;
    }
    if (offset === 0 || offset > filled || size > content.length - filled) throw new S2Error("an invalid copy");
    copyWithin(content, filled - offset, filled, size);
    filled += size;
  }
  if (filled !== content.length) throw new S2Error(`a block of ${filled} bytes that should be ${content.length}`);
}

/** Added to the size of a repeat, by the number of its size bytes. */
const REPEAT_BASE = [0, 8, 260, 65_540];

function littleEndian(bytes: Uint8Array, at: number, digits: number): number {
  if (at + digits > bytes.length) throw new S2Error("an element is cut off");
  let value = 0;
  for (let i = digits - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  return value;
}

/** Copies a possibly overlapping range; an overlap repeats the copied bytes, in doubling steps. */
function copyWithin(content: Uint8Array, source: number, target: number, size: number): void {
  let ready = target - source;
  for (let done = 0; done < size; ) {
    const step = Math.min(ready, size - done);
    content.copyWithin(target + done, source, source + step);
    done += step;
    ready += step;
  }
}
