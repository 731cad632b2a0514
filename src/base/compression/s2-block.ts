/**
 * Decodes S2 blocks. S2 is Google's Snappy with longer repeats; compressed chunks of a stream hold such blocks.
 *
 *   block = size of the content (varint) · elements           element = tag byte · more bytes
 *   tag & 3:  0 literal   the bytes themselves; (tag >> 2) + 1 of them, or their number is in 1 to 4 bytes after the tag
 *             1 copy      4 to 11 bytes from up to 2 KiB back; offset 0: from as far back as the last copy, up to 16 MiB long
 *             2 copy      1 to 64 bytes from up to 64 KiB back
 *             3 copy      1 to 64 bytes from up to 4 GiB back
 * The bytes are untrusted. The output has the size stated at the block's start, which must be within the caller's bound, so neither
 * memory nor time depends on anything else.
 *
 * Short pieces are copied four bytes at a time, up to three bytes more than needed: later elements overwrite them, and near the ends of the
 * buffers every byte is copied by itself.
 * The work of a block is divided: `work(until)` stops behind that position of the output, and goes on there at the next call.
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
/** Up to this size a loop is faster than a call of the runtime. */
const SHORT_BYTES = 128;
/** Bytes that a loop of four bytes at a time may touch behind a piece. */
const EXCESS_BYTES = 3;
/** Added to the size of a repeat, by the number of its size bytes. */
const REPEAT_BASE = [0, 8, 260, 65_540];

/**
 * @param contentBytesMax a block that states a larger size is refused before anything is allocated
 * @throws S2Error
 */
export function decodeS2Block(block: Uint8Array, contentBytesMax: number): Uint8Array {
  const content = new Uint8Array(statedSize(block, contentBytesMax));
  const decoder = new S2BlockDecoder();
  decoder.begin(block, content, 0);
  decoder.work(content.length);
  return content;
}

/** Size of a block's content, as it states. @throws S2Error when it is missing or larger than `contentBytesMax` */
export function statedSize(block: Uint8Array, contentBytesMax: number): number {
  const { value } = readVarint(block);
  if (value > contentBytesMax) throw new S2Error(`a block of ${value} bytes exceeds the limit of ${contentBytesMax}`);
  return value;
}

function readVarint(bytes: Uint8Array): { value: number; end: number } {
  let value = 0;
  for (let at = 0; at < VARINT_BYTES_MAX && at < bytes.length; at++) {
    value += (bytes[at] & 0x7f) * 2 ** (7 * at);
    if (bytes[at] < 0x80) return { value, end: at + 1 };
  }
  throw new S2Error("a block without the size of its content");
}

export class S2BlockDecoder {
  private block: Uint8Array = new Uint8Array(0);
  private blockView: DataView = new DataView(new ArrayBuffer(0));
  private content: Uint8Array = this.block;
  private contentView: DataView = this.blockView;
  /** Next element. */
  private at = 0;
  private start = 0;
  private filled = 0;
  private end = 0;
  /** Offset of the last copy; 0: none yet. */
  private offset = 0;

  /**
   * Begins a block.
   * @param block borrowed until it is decoded
   * @param content has room for the stated size at `start`; bytes behind that are only changed before a later block fills them, if ever
   */
  begin(block: Uint8Array, content: Uint8Array, start: number): void {
    const { value, end } = readVarint(block);
    if (value > content.length - start) throw new S2Error(`a block of ${value} bytes exceeds the limit of ${content.length - start}`);
    this.block = block;
    this.blockView = new DataView(block.buffer, block.byteOffset, block.length);
    if (this.content !== content) {
      this.content = content;
      this.contentView = new DataView(content.buffer, content.byteOffset, content.length);
    }
    this.at = end;
    this.start = start;
    this.filled = start;
    this.end = start + value;
    this.offset = 0;
  }

  /**
   * Decodes up to a position of the output, or somewhat further. With the end of the content, or more, it decodes the rest of the block.
   * @throws S2Error
   */
  work(until: number): void {
    const { block, blockView, content, contentView, start, end } = this;
    const blockEnd = block.length;
    let { at, filled, offset } = this;
    const last = until >= end;
    while (at < blockEnd && (last || filled < until)) {
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
          if (size > blockEnd - at || size > end - filled) throw new S2Error("a literal exceeds the block");
          if (size > SHORT_BYTES) content.set(block.subarray(at, at + size), filled);
          else if (size + EXCESS_BYTES > blockEnd - at || size + EXCESS_BYTES > content.length - filled) {
            for (let i = 0; i < size; i++) content[filled + i] = block[at + i];
          } else {
            for (let i = 0; i < size; i += 4) contentView.setInt32(filled + i, blockView.getInt32(at + i, true), true);
          }
          at += size;
          filled += size;
          continue;
        }
        case COPY_SHORT: {
          if (at >= blockEnd) throw cutOff();
          const near = ((tag & 0xe0) << 3) | block[at++];
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
          if (blockEnd - at < 2) throw cutOff();
          size = inTag + 1;
          offset = block[at] | (block[at + 1] << 8);
          at += 2;
          break;
        default:
          if (blockEnd - at < 4) throw cutOff();
          size = inTag + 1;
          offset = blockView.getUint32(at, true);
          at += 4;
      }
      if (offset === 0 || offset > filled - start || size > end - filled) throw new S2Error("an invalid copy");
      const source = filled - offset;
      if (size > SHORT_BYTES) repeatWithin(content, source, filled, size);
      else if (offset < 4 || size + EXCESS_BYTES > content.length - filled) {
        for (let i = 0; i < size; i++) content[filled + i] = content[source + i];
      } else {
        for (let i = 0; i < size; i += 4) contentView.setInt32(filled + i, contentView.getInt32(source + i, true), true);
      }
      filled += size;
    }
    this.at = at;
    this.filled = filled;
    this.offset = offset;
    if (at === blockEnd && filled !== end) throw new S2Error(`a block of ${filled - start} bytes that should be ${end - start}`);
  }
}

function cutOff(): S2Error {
  return new S2Error("an element is cut off");
}

function littleEndian(bytes: Uint8Array, at: number, digits: number): number {
  if (at + digits > bytes.length) throw cutOff();
  let value = 0;
  for (let i = digits - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  return value;
}

/** Copies a possibly overlapping range; an overlap repeats the copied bytes, in doubling steps. */
function repeatWithin(content: Uint8Array, source: number, target: number, size: number): void {
  let ready = target - source;
  for (let done = 0; done < size; ) {
    const step = Math.min(ready, size - done);
    content.copyWithin(target + done, source, source + step);
    done += step;
    ready += step;
  }
}
