import { expect, test } from "bun:test";
import { Random } from "../random/random.ts";
import { seedFromEnv } from "../random/seed.ts";
import { crc16, decodeNkey, encodeNkey, NkeyKind, newNonce } from "./nkey.ts";

const KINDS = Object.values(NkeyKind).filter(kind => typeof kind === "number");

/** Key byte i is 7 i + kind; encoded by Go's nkeys. */
const KEYS: Record<NkeyKind, string> = {
  [NkeyKind.Server]: "NBUG65T5QSFZFGNAU6XLLPGDZLI5RX7G5X2PWAQJCALR4JJMGM5ECPS3",
  [NkeyKind.Cluster]: "CAIBOHRFFQZTUQKIJ5LF2ZDLOJ4YBB4OSWOKHKVRXC74NTOU3PROSFGL",
  [NkeyKind.Operator]: "OBYHO7UFRSJZVINIV63L3RGL2LM6BZ7O6X6AGCQRDAPSMLJUHNBET2YR",
  [NkeyKind.Account]: "AAAAODQVDQRSUMJYH5DE2VC3MJUXA536QWGJHGVBVCX3NPOEZPJNSF3I",
  [NkeyKind.User]: "UCQKPLVVXTB4VUOY37TO35H3AIERAFY6EUWDGOSBJBHVMXLENNZHTHZJ",
  [NkeyKind.Curve]: "XC4L7RWN2TN6F2PQ677AKDATDIQSQLZWHVCEWUSZMBTW45L4QOFJDJIB",
};
/** All bits clear, all bits set. */
const EDGES: [kind: NkeyKind, byte: number, text: string][] = [
  [NkeyKind.Server, 0, "NAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB5PU"],
  [NkeyKind.Server, 255, "ND777777777777777777777777777777777777777777777777776QLQ"],
  [NkeyKind.Account, 0, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
  [NkeyKind.User, 255, "UD777777777777777777777777777777777777777777777777776JX3"],
  [NkeyKind.Curve, 0, "XAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPQN"],
];

test("keys of every kind are what Go's nkeys makes of them", () => {
  for (const kind of KINDS) {
    const key = Uint8Array.from({ length: 32 }, (_, index) => index * 7 + kind);
    expect(encodeNkey(kind, key)).toBe(KEYS[kind]);
    expect(decodeNkey(KEYS[kind])).toEqual({ kind, key });
  }
  for (const [kind, byte, text] of EDGES) {
    expect(encodeNkey(kind, new Uint8Array(32).fill(byte))).toBe(text);
    expect(decodeNkey(text)).toEqual({ kind, key: new Uint8Array(32).fill(byte) });
  }
});

test("fuzz: any key comes back, and no text with one letter changed is a key", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const message = `SEED=${seed} round=${round}`;
    const kind = random.pick(KINDS);
    const key = Uint8Array.from({ length: 32 }, () => random.below(256));
    const text = encodeNkey(kind, key);
    expect(text, message).toMatch(/^[NCOAUX][A-Z2-7]{55}$/);
    expect(decodeNkey(text), message).toEqual({ kind, key });
    const at = random.below(text.length);
    const letter = random.pick([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018=a "].filter(other => other !== text[at]));
    expect(decodeNkey(text.slice(0, at) + letter + text.slice(at + 1)), `${message} ${letter} at ${at}`).toBe(null);
  }
});

test("another length, alphabet, prefix or checksum is no key", () => {
  const text = KEYS[NkeyKind.User];
  for (const wrong of [
    "",
    text.slice(0, -1),
    `${text}A`,
    text.slice(8),
    text.toLowerCase(),
    `${text.slice(0, -1)}=`,
    `${text}\n`,
    "ü".repeat(56),
  ]) {
    expect(decodeNkey(wrong), wrong).toBe(null);
  }
  // A right checksum does not help a prefix that is none.
  expect(decodeNkey(encodeNkey((1 << 3) as NkeyKind, new Uint8Array(32)))).toBe(null);
  expect(decodeNkey(encodeNkey((NkeyKind.User + 1) as NkeyKind, new Uint8Array(32)))).toBe(null);
  for (const size of [0, 31, 33, 64]) expect(() => encodeNkey(NkeyKind.User, new Uint8Array(size))).toThrow(RangeError);
});

test("the checksum is CRC-16/XMODEM", () => {
  expect([crc16(Buffer.from("123456789")), crc16(new Uint8Array(0)), crc16(Buffer.from("A"))]).toEqual([0x31c3, 0, 0x58e5]);
});

test("a nonce is 15 letters that never come again", () => {
  const nonces = Array.from({ length: 100 }, newNonce);
  for (const nonce of nonces) expect(nonce).toMatch(/^[A-Za-z0-9_-]{15}$/);
  expect(new Set(nonces).size).toBe(100);
});
