import { expect, test } from "bun:test";
import { getPublicKey, hashes, sign as nobleSign, verify as nobleVerify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import {
  crc16,
  decodeNkey,
  decodeSeed,
  decodeSignature,
  encodeNkey,
  encodeSeed,
  NkeyKind,
  newNonce,
  publicNkeyOf,
  sign,
  verifySignature,
} from "./nkey.ts";

hashes.sha512 = sha512; // used by the library's synchronous functions

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
/** All bits set; for a curve key also all bits clear, which is no valid Ed25519 key. */
const EDGES: [kind: NkeyKind, byte: number, text: string][] = [
  [NkeyKind.Server, 255, "ND777777777777777777777777777777777777777777777777776QLQ"],
  [NkeyKind.User, 255, "UD777777777777777777777777777777777777777777777777776JX3"],
  [NkeyKind.Curve, 0, "XAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPQN"],
];

test("keys of every kind are encoded as by Go's nkeys", () => {
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

test("Ed25519 keys of small order are refused in every encoding, and no signature by one is accepted", () => {
  const p = 2n ** 255n - 19n;
  const littleEndian = (y: bigint) => Uint8Array.from({ length: 32 }, (_, at) => Number((y >> BigInt(8 * at)) & 0xffn));
  const ofOrderEight = [
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ].map(hex => Uint8Array.from(Buffer.from(hex, "hex")));
  for (const key of [0n, 1n, p - 1n, p, p + 1n].map(littleEndian).concat(ofOrderEight)) {
    for (const topBit of [0, 0x80]) {
      const point = Uint8Array.from(key);
      point[31]! |= topBit;
      for (const kind of KINDS) expect(decodeNkey(encodeNkey(kind, point)) === null, `${kind} ${key}`).toBe(kind !== NkeyKind.Curve);
      // S = 0 and R = the neutral element: accepted for the neutral element as the key, whatever the data is.
      const signature = Uint8Array.from({ length: 64 }, (_, at) => (at === 0 ? 1 : 0));
      expect(verifySignature(point, "any data", signature)).toBe(false);
      expect(verifySignature(encodeNkey(NkeyKind.User, point), "any data", signature)).toBe(false);
    }
  }
  expect(decodeNkey(encodeNkey(NkeyKind.User, littleEndian(2n)))).not.toBeNull();
});

test("fuzz: any key decodes to itself, and a text with one changed letter is refused", () => {
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

test("a wrong length, alphabet, prefix or checksum is refused", () => {
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
  // An invalid prefix is refused even with a correct checksum.
  expect(decodeNkey(encodeNkey((1 << 3) as NkeyKind, new Uint8Array(32)))).toBe(null);
  expect(decodeNkey(encodeNkey((NkeyKind.User + 1) as NkeyKind, new Uint8Array(32)))).toBe(null);
  for (const size of [0, 31, 33, 64]) expect(() => encodeNkey(NkeyKind.User, new Uint8Array(size))).toThrow(RangeError);
});

test("the checksum is CRC-16/XMODEM", () => {
  expect([crc16(Buffer.from("123456789")), crc16(new Uint8Array(0)), crc16(Buffer.from("A"))]).toEqual([0x31c3, 0, 0x58e5]);
});

test("a nonce has 15 characters and is never repeated", () => {
  const nonces = Array.from({ length: 100 }, newNonce);
  for (const nonce of nonces) expect(nonce).toMatch(/^[A-Za-z0-9_-]{15}$/);
  expect(new Set(nonces).size).toBe(100);
});

/** Seed byte i is 5 i + kind. Results of Go's nkeys: text, public key, and the signature of the nonce below. */
const SEEDS: [kind: NkeyKind, seed: string, publicKey: string, signature: string][] = [
  [
    NkeyKind.Server,
    "SNAGQ3LSO56IDBULSCKZVH5EVGXLHOF5YLD4ZUOW3PQOL2XP6T474A53ZM",
    "NBF54A34WHC2TNVBSGOA4NLH4LYM4FLCESZIHKYTBAIFJHILD5EVXBG4",
    "iuzf5i0foWoMCOC4rHM0vm7EXuLuMW1Zrn4H73GTx_-4woTG89BfbdNBp0xkUucMlw74MB8AMBc_a6-WyY9WAg",
  ],
  [
    NkeyKind.Cluster,
    "SCABAFI2D4SCSLRTHA6UER2MKFLFWYDFNJXXI6L6QOEI3EUXTSQ2NK43DA",
    "CCF34CZ5JIV7UAKEYHWAC3EOVENDCSCC7C3EK4LYLIPVVC6RG2FQ5SWL",
    "JkVH5z7wsPTgsE_cE00eHNnDsNW_DMZTkAnpOdfdeweHm5xFqQ84_z2iarOpNCR0ox5-gZaQpQxSHkv4auG9BA",
  ],
  [
    NkeyKind.Operator,
    "SOAHA5L2P6CITDUTTCO2FJ5MWG3LXQGFZLH5JWO64PUO34XX7QAQMCYEDM",
    "OC52PROV4PB3WN6Z3GNKFOEBSMROTEJPTAX5AQLCWKCKAHFAAV23Q34J",
    "79NRfDNYhshiIWJjjtaT-RPBdaR7_nxdfxeRr7MpmqH11wD1vRqWh_sUx6jC9h8x18WhQ1LbOVwwnlWF8lSZBQ",
  ],
  [
    NkeyKind.Account,
    "SAAAABIKB4KBSHRDFAWTENZ4IFDEWUCVLJPWI2LOON4H3AUHRSIZNGYCI4",
    "AA3Z6NGRTPDOFIFCITEPKK4DIYNL5WGV7FWN3DS4DAXVF2BCDVPSTHQQ",
    "oYVHtTzGCGsbPAp-G_RnF6ZW7HAQCePentF7JvhlxpvmMXToYdeb9u4AZuEQokFLwAcFiMZymLqUgGFNXLrMDQ",
  ],
  [
    NkeyKind.User,
    "SUAKBJNKV62LTPWDZDG5FV644HTOX4HV7L7QICIOCMMB2IRHFQYTMO6L5Y",
    "UBUN4SMMQMFAIJNHMGHLF3WPA3TJHDRSP7XLDOIGV7QDSYPREJ5L4NMW",
    "tpfSArcizQmlkALAoM_nosAccsMSFPbxRjCINtFdtaLyTywYoy5l8wmYbCw4K2zDduWdDMzsPcsInjF98C1HBw",
  ],
];
const NONCE = "mZ2bQ_aXQyNcUpQ";
const CURVE_SEED = "SXALRPOCY7GNDVW34DS6V37U7H7AGCANCILRYIJGFMYDKOR7IREU4U5WTM";

const seedBytes = (kind: NkeyKind) => Uint8Array.from({ length: 32 }, (_, index) => index * 5 + kind);

test("seeds, their public keys and their signatures are those of Go's nkeys", () => {
  for (const [kind, seed, publicKey, signature] of SEEDS) {
    expect(encodeSeed(kind, seedBytes(kind))).toBe(seed);
    expect(decodeSeed(seed)).toEqual({ kind, seed: seedBytes(kind) });
    expect(publicNkeyOf(seed)).toBe(publicKey);
    expect(Buffer.from(sign(seed, NONCE)!).toString("base64url")).toBe(signature);
    expect(verifySignature(publicKey, NONCE, decodeSignature(signature)!)).toBe(true);
    expect(verifySignature(publicKey, `${NONCE}x`, decodeSignature(signature)!)).toBe(false);
  }
  expect(decodeSeed(CURVE_SEED)).toEqual({ kind: NkeyKind.Curve, seed: seedBytes(NkeyKind.Curve) });
});

test("fuzz: a seed with one changed letter is refused", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const kind = random.pick(KINDS);
    const bytes = Uint8Array.from({ length: 32 }, () => random.below(256));
    const text = encodeSeed(kind, bytes);
    const message = `SEED=${seed} round=${round} ${text}`;
    expect(text, message).toMatch(/^S[NCOAUX][A-Z2-7]{56}$/);
    expect(decodeSeed(text), message).toEqual({ kind, seed: bytes });
    const at = random.below(text.length);
    const letter = random.pick([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018=a "].filter(other => other !== text[at]));
    expect(decodeSeed(text.slice(0, at) + letter + text.slice(at + 1)), `${message} ${letter} at ${at}`).toBe(null);
  }
});

test("a public key is not accepted as a seed, a seed not as a public key, and a curve key cannot sign", () => {
  const [[, seed, publicKey, signature]] = SEEDS;
  const curveKey = encodeNkey(NkeyKind.Curve, decodeNkey(publicKey)!.key);
  expect([decodeSeed(publicKey), decodeNkey(seed), publicNkeyOf(publicKey), publicNkeyOf(CURVE_SEED)]).toEqual([null, null, null, null]);
  for (const wrong of [CURVE_SEED, publicKey, "", "S", `${seed}A`, seed.toLowerCase(), new Uint8Array(31), new Uint8Array(64)]) {
    expect(sign(wrong, NONCE)).toBe(null);
  }
  for (const wrong of [curveKey, seed, "", publicKey.slice(1), new Uint8Array(31), new Uint8Array(33)]) {
    expect(verifySignature(wrong, NONCE, decodeSignature(signature)!)).toBe(false);
  }
  expect(decodeSeed(encodeSeed((1 << 3) as NkeyKind, new Uint8Array(32)))).toBe(null);
  for (const size of [0, 31, 33, 64]) expect(() => encodeSeed(NkeyKind.User, new Uint8Array(size))).toThrow(RangeError);
});

test("fuzz: signatures are verified as by @noble/ed25519, and random keys and signatures cause no exception", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const noise = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));
  for (let round = 0; round < 100; round++) {
    const message = `SEED=${seed} round=${round}`;
    const secret = noise(32);
    const data = noise(random.below(200));
    const publicKey = getPublicKey(secret);
    const signature = sign(secret, data)!;
    expect(signature, message).toEqual(nobleSign(data, secret));
    expect(verifySignature(publicKey, data, signature), message).toBe(true);
    signature[random.below(64)] ^= 1 << random.below(8);
    expect(verifySignature(publicKey, data, signature), message).toBe(nobleVerify(signature, data, publicKey));
    expect(verifySignature(noise(32), data, noise(64)), message).toBe(false);
    expect(verifySignature(publicKey, data, noise(random.below(64))), message).toBe(false);
  }
});

test("a signature is raw base64url, or standard base64 with padding", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => 255 - index);
  const raw = Buffer.from(bytes).toString("base64url");
  const standard = Buffer.from(bytes).toString("base64");
  expect(raw).toMatch(/[-_]/);
  expect(standard).toMatch(/[+/]/);
  for (const text of [raw, standard, `${raw}\n`, `${standard.slice(0, 20)}\r\n${standard.slice(20)}`]) {
    expect(decodeSignature(text)).toEqual(bytes);
  }
  const others = [`${raw}==`, standard.slice(0, -1), standard.slice(0, -2), `${standard}=`, "a", "====", "a===", " ", "aa aa", "ü", "a-/a"];
  expect(others.filter(text => decodeSignature(text) !== null)).toEqual([]);
  expect(decodeSignature("")).toEqual(new Uint8Array(0));
});
