import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../random/random.ts";
import { decodeSeed, encodeNkey, NkeyKind } from "./nkey.ts";
import { open, publicXkeyOf, seal } from "./xkey.ts";

const SENDER_SEED = "SXAACAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAN4QM";
const SENDER = "XCSOBEUSWZI4E6FZO4WFNH27VG5RHWIGWRVLNDE57HOCWRAJ7CRATSUK";
const READER_SEED = "SXAAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAT5QQ";
const READER = "XDHI2OWRZS3DH3D3ODAXQFFFY5XM2AUWQUCQ2NCHIW5ALBYOLB6VSWAL";

/** Encrypted by Go's nkeys; byte i of the nonce is 7 i + the message's length. */
const SEALED: [message: string, sealed: string][] = [
  ["", "786b763100070e151c232a31383f464d545b626970777e858c939aa1da6182f51cb62b6617de1c7e37744579"],
  ["a", "786b763101080f161d242b323940474e555c636a71787f868d949ba25eb2398c1b1e5ddbd3ef3333a5d7afc877"],
  ["hello world", "786b76310b121920272e353c434a51585f666d747b828990979ea5acc7b419583e3cf75f3f69d0a17198cfa4707e1d40f16c" + "930661e923"],
  [
    "0123456789".repeat(30),
    "786b76312c333a41484f565d646b727980878e959ca3aab1b8bfc6cd1564b60b7eb6e4b538bdb32dab56efd616390f9ab1b4" +
      "97cf0011aef17ca327bfb5fbe91a1f0ec06f1c299a0340440a802f3f1b0636fcc13e99bba2f695b785ab8935c9e7a835a67bb90da4e8248c364716a9c154d672edde747b8ed05202ca9e90ba76522927227b35056f21eb58a17d62ce371a0ad13c67e6450b8752ae05befa83232f0b373490aa351143225f9ac7efbf22556996fb78261db9043892bd327e2fc2ec564809de8e8ee3505ad3205eff74fcc22ee5e241e1e5dfd4477fcf34eccc00c3a3366a112294c9115e5037cd3849b63cb1fc66ddacc12528d155c0c375cac9fc7ff94724aa540e644f1e0594f402d46ea717fa84feb2f67040985383db206043c1edec10143b29beca303b447335a140b8bf40ac253d54f75b6cb185a95693d082e8cd0011c33dbdff94cf19e24da729b084a1715c9a77cc",
  ],
];

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const fromHex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

test("a curve seed has the same public key as in Go's nkeys", () => {
  expect([publicXkeyOf(SENDER_SEED), publicXkeyOf(READER_SEED)]).toEqual([SENDER, READER]);
  expect(publicXkeyOf(decodeSeed(SENDER_SEED)!.seed)).toBe(SENDER);
});

test("decrypts messages of Go's nkeys, and encrypts them to the same bytes with the same nonce", async () => {
  for (const [message, sealed] of SEALED) {
    expect(await open(fromHex(sealed), SENDER, READER_SEED)).toEqual(bytes(message));
    const nonce = Uint8Array.from({ length: 24 }, (_, index) => index * 7 + message.length);
    expect(Buffer.from((await seal(bytes(message), READER, SENDER_SEED, nonce))!).toString("hex")).toBe(sealed);
  }
});

test("fuzz: an encrypted message decrypts from any offset in a buffer, and is refused with one changed bit", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 50; round++) {
    const note = `SEED=${seed} round=${round}`;
    const message = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
    const sealed = (await seal(message, READER, decodeSeed(SENDER_SEED)!.seed))!;
    const offset = random.below(8);
    const buffer = Buffer.concat([Buffer.alloc(offset), sealed]);
    expect(await open(buffer.subarray(offset), SENDER, READER_SEED), note).toEqual(message);
    sealed[random.below(sealed.length)] ^= 1 << random.below(8);
    expect(await open(sealed, SENDER, READER_SEED), note).toBe(null);
  }
});

test("nonces are never repeated", async () => {
  const sealed = await Promise.all(Array.from({ length: 50 }, () => seal(bytes("m"), READER, SENDER_SEED)));
  expect(new Set(sealed.map(each => Buffer.from(each!).subarray(4, 28).toString("hex"))).size).toBe(50);
});

test("decryption fails for another reader, another sender or a cut message", async () => {
  const sealed = fromHex(SEALED[2][1]);
  expect(await open(sealed, SENDER, SENDER_SEED)).toBe(null);
  expect(await open(sealed, encodeNkey(NkeyKind.Curve, new Uint8Array(32).fill(9)), READER_SEED)).toBe(null);
  for (let size = 0; size < sealed.length; size++) expect(await open(sealed.subarray(0, size), SENDER, READER_SEED), `${size}`).toBe(null);
});

test("a key that is not a curve key cannot encrypt or decrypt", async () => {
  const sealed = fromHex(SEALED[2][1]);
  const user = encodeNkey(NkeyKind.User, new Uint8Array(32).fill(9));
  const lowOrder = encodeNkey(NkeyKind.Curve, new Uint8Array(32));
  for (const key of ["", user, READER_SEED, `${READER.slice(0, -1)}A`, READER.toLowerCase(), lowOrder]) {
    expect([await seal(bytes("m"), key, SENDER_SEED), await open(sealed, key, READER_SEED)], key).toEqual([null, null]);
  }
  const userSeed = "SUAKBJNKV62LTPWDZDG5FV644HTOX4HV7L7QICIOCMMB2IRHFQYTMO6L5Y";
  for (const seed of ["", userSeed, READER, READER_SEED.slice(1), new Uint8Array(31), new Uint8Array(0)]) {
    expect([await seal(bytes("m"), READER, seed), await open(sealed, SENDER, seed), publicXkeyOf(seed)]).toEqual([null, null, null]);
  }
});
