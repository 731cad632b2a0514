/** Writes DER for tests: the parts of certificates, and encodings that no correct encoder writes. */

export const SEQUENCE = 0x30;
export const SET = 0x31;

/** One element: tag, length, contents. */
export function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const digits: number[] = [];
  for (let rest = size; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

export function sequence(...contents: Uint8Array[]): Buffer {
  return der(SEQUENCE, ...contents);
}

export function integer(value: number | Uint8Array): Buffer {
  let bytes = typeof value === "number" ? Buffer.from([value]) : Buffer.from(value);
  if ((bytes[0]! & 0x80) !== 0) bytes = Buffer.concat([Buffer.from([0]), bytes]);
  return der(0x02, bytes);
}

export function octets(bytes: Uint8Array): Buffer {
  return der(0x04, bytes);
}

export function bits(bytes: Uint8Array): Buffer {
  return der(0x03, Buffer.from([0]), bytes);
}

export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

export function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.from([value ? 0xff : 0]));
}

/** Implicitly tagged, primitive: `[number]`. */
export function tagged(number: number, bytes: Uint8Array): Buffer {
  return der(0x80 | number, bytes);
}

/** Explicitly tagged: `[number] EXPLICIT`. */
export function wrapped(number: number, ...contents: Uint8Array[]): Buffer {
  return der(0xa0 | number, ...contents);
}

export function objectIdentifier(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [first! * 40 + second!];
  for (const arc of rest) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

export function generalizedTime(at: Date): Buffer {
  const digits = at
    .toISOString()
    .replace(/[-:T]/g, "")
    .replace(/\.\d+Z$/, "Z");
  return der(0x18, Buffer.from(digits));
}

/** The 2-digit form, for years up to 2049. */
export function utcTime(at: Date): Buffer {
  return der(0x17, generalizedTime(at).subarray(4));
}
