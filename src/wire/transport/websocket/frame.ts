/** Bits of a frame's first two bytes: RFC 6455, section 5.2. */

export const OPCODE_CONTINUATION = 0;
export const OPCODE_TEXT = 1;
export const OPCODE_BINARY = 2;
export const OPCODE_CLOSE = 8;
export const OPCODE_PING = 9;
export const OPCODE_PONG = 10;

export const BIT_FINAL = 0x80;
/** RSV1: the message is compressed. */
export const BIT_COMPRESSED = 0x40;
export const BITS_RESERVED = 0x30;
export const BIT_MASK = 0x80;

export const CONTROL_BYTES_MAX = 125;
/** Heads of server frames, which have no mask. */
export const HEAD_BYTES_MAX = 10;

/**
 * Writes the head of an unmasked frame.
 * @param first the first byte: opcode and bits
 * @returns its size: 2, 4 or 10
 */
export function writeFrameHead(target: Uint8Array, at: number, first: number, payloadBytes: number): number {
  target[at] = first;
  if (payloadBytes <= 125) {
    target[at + 1] = payloadBytes;
    return 2;
  }
  if (payloadBytes <= 0xffff) {
    target[at + 1] = 126;
    target[at + 2] = payloadBytes >>> 8;
    target[at + 3] = payloadBytes & 0xff;
    return 4;
  }
  target[at + 1] = 127;
  let rest = payloadBytes;
  for (let index = at + 9; index >= at + 2; index--) {
    target[index] = rest & 0xff;
    rest = Math.floor(rest / 256);
  }
  return 10;
}

/** A whole control frame; the payload has at most 125 bytes. */
export function controlFrame(opcode: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + payload.length);
  writeFrameHead(frame, 0, BIT_FINAL | opcode, payload.length);
  frame.set(payload, 2);
  return frame;
}
