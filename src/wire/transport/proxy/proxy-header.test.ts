import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../../test/doubles/seed.ts";
import { Random } from "../../../base/random/random.ts";
import { canonicalAddress, type ProxyOutcome, readProxyHeader } from "./proxy-header.ts";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** A header of version 2. */
function v2(verCommand: number, familyProtocol: number, addresses: Uint8Array, size = addresses.length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([verCommand, familyProtocol, size >> 8, size & 0xff]), addresses]);
}

const IPV4 = Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0xc8, 0x22, 0x10, 0x7e]);
const IPV6 = Buffer.from(`20010db8000000000000000000000001${"0".repeat(31)}2c822107e`, "hex");

/** The text of a refusal, or the address and port of a header. */
function outcomeText(outcome: ProxyOutcome): string {
  if (outcome.kind === "refused") return outcome.text;
  if (outcome.kind !== "header") return outcome.kind;
  return outcome.source === null ? "no source" : `${outcome.source.address} ${outcome.source.port}`;
}

const outcomeOfV1 = (line: string) => outcomeText(readProxyHeader(Buffer.from(`PROXY ${line}\r\nPING\r\n`, "latin1")));

test("version 1 names the source; UNKNOWN names none", () => {
  expect(outcomeOfV1("TCP4 203.0.113.7 10.0.0.1 51234 4222")).toBe("203.0.113.7 51234");
  expect(outcomeOfV1("TCP6 2001:db8:0:0::1 ::1 51234 4222")).toBe("2001:db8::1 51234");
  expect(outcomeOfV1("TCP6 ::ffff:192.0.2.1 ::1 1 2")).toBe("192.0.2.1 1");
  expect(outcomeOfV1("  TCP4\t203.0.113.7   10.0.0.1 51234 0 ")).toBe("203.0.113.7 51234");
  expect(outcomeOfV1("UNKNOWN")).toBe("no source");
  expect(outcomeOfV1("UNKNOWN whatever comes here")).toBe("no source");
});

test("version 1: every error has its text", () => {
  expect(outcomeOfV1("")).toBe("invalid PROXY protocol header: invalid v1 format");
  expect(outcomeOfV1("TCP4 1.2.3.4 5.6.7.8 1")).toBe("invalid PROXY protocol header: invalid v1 format");
  expect(outcomeOfV1("TCP4 1.2.3.4 nowhere 1 2")).toBe("invalid PROXY protocol header: invalid address");
  expect(outcomeOfV1("TCP4 01.2.3.4 5.6.7.8 1 2")).toBe("invalid PROXY protocol header: invalid address");
  expect(outcomeOfV1("TCP6 fe80::1%eth0 ::1 1 2")).toBe("invalid PROXY protocol header: invalid address");
  expect(outcomeOfV1("TCP4 1.2.3.4 5.6.7.8 x 2")).toBe('invalid source port: strconv.ParseUint: parsing "x": invalid syntax');
  expect(outcomeOfV1("TCP4 1.2.3.4 5.6.7.8 1 65536")).toBe('invalid dest port: strconv.ParseUint: parsing "65536": value out of range');
  expect(outcomeOfV1("TCP4 ::1 5.6.7.8 1 2")).toBe("invalid PROXY protocol header: TCP4 with IPv6 address");
  expect(outcomeOfV1("TCP6 ::1 5.6.7.8 1 2")).toBe("invalid PROXY protocol header: TCP6 with IPv4 address");
  expect(outcomeOfV1("UDP4 1.2.3.4 5.6.7.8 1 2")).toBe("invalid PROXY protocol header: invalid protocol UDP4");
  expect(outcomeOfV1("x".repeat(100))).toBe("invalid PROXY protocol header: v1 line too long");
  expect(outcomeOfV1(`UNKNOWN ${"x".repeat(91)}`)).toBe("no source"); // 107 bytes with its end: the longest
  expect(outcomeOfV1(`UNKNOWN ${"x".repeat(92)}`)).toBe("invalid PROXY protocol header: v1 line too long");
});

test("version 2 names the source; LOCAL and an unspecified family name none; TLVs are skipped", () => {
  expect(outcomeText(readProxyHeader(v2(0x21, 0x11, IPV4)))).toBe("203.0.113.7 51234");
  expect(outcomeText(readProxyHeader(v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.alloc(300, 1)]))))).toBe("203.0.113.7 51234");
  expect(outcomeText(readProxyHeader(v2(0x21, 0x21, IPV6)))).toBe("2001:db8::1 51234");
  expect(outcomeText(readProxyHeader(v2(0x20, 0xff, Buffer.alloc(40))))).toBe("no source");
  expect(outcomeText(readProxyHeader(v2(0x21, 0x01, Buffer.alloc(7))))).toBe("no source");
});

test("version 2: every error has its text", () => {
  expect(outcomeText(readProxyHeader(Buffer.from("\r\n\r\n\0\r\nQUIX\nxxxx", "latin1")))).toBe(
    "invalid PROXY protocol header: invalid signature",
  );
  expect(outcomeText(readProxyHeader(v2(0x11, 0x11, IPV4)))).toBe("invalid PROXY protocol header: invalid version 0x10");
  expect(outcomeText(readProxyHeader(v2(0x22, 0x11, IPV4)))).toBe("unknown PROXY protocol command: 0x02");
  expect(outcomeText(readProxyHeader(v2(0x21, 0x12, IPV4)))).toBe("unsupported PROXY protocol feature: only STREAM protocol supported");
  expect(outcomeText(readProxyHeader(v2(0x21, 0x31, Buffer.alloc(216))))).toBe(
    "unsupported PROXY protocol feature: unsupported address family 0x30",
  );
  expect(outcomeText(readProxyHeader(v2(0x21, 0x11, IPV4, 11)))).toBe("IPv4 address data too short: 11 bytes");
  expect(outcomeText(readProxyHeader(v2(0x21, 0x21, IPV6, 35)))).toBe("IPv6 address data too short: 35 bytes");
});

test("bytes without a header are ordinary traffic, decided after six bytes", () => {
  for (const text of ["PING\r\n", 'CONNECT {"a":1}', "PROXY\r", "\r\n\r\nPI", "\x16\x03\x01\x00\x05\x01"]) {
    for (let size = 0; size < 6; size++) expect(readProxyHeader(Buffer.from(text.slice(0, size), "latin1")).kind).toBe("more");
    expect(readProxyHeader(Buffer.from(text, "latin1")).kind).toBe("absent");
  }
});

test("addresses are printed as Go prints them", () => {
  expect(canonicalAddress("2001:DB8:0:0:0:0:0:1")).toBe("2001:db8::1");
  expect(canonicalAddress("0:0:0:0:0:0:0:0")).toBe("::");
  expect(canonicalAddress("1:0:2:3:4:5:6:7")).toBe("1:0:2:3:4:5:6:7");
  expect(canonicalAddress("::ffff:c000:201")).toBe("192.0.2.1");
});

test("fuzz: a header parses to the same result however it is cut, without exceptions and without bytes after it", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 3_000; round++) {
    const header = randomHeader(random);
    for (let flips = random.below(3); flips > 0; flips--) header[random.below(header.length)] = random.below(256);
    const bytes = Buffer.concat([header, Buffer.from("PING\r\n")]);
    const whole = readProxyHeader(bytes);
    let piecewise: ProxyOutcome = { kind: "more" };
    let size = 0;
    while (piecewise.kind === "more" && size < bytes.length) piecewise = readProxyHeader(bytes.subarray(0, ++size));
    expect(piecewise, `SEED=${seed} round=${round}`).toEqual(whole);
    if (whole.kind === "header") expect(whole.size).toBeLessThanOrEqual(bytes.length);
  }
});

function randomHeader(random: Random): Buffer {
  const octet = () => random.below(256);
  if (random.below(2) === 0) {
    const address = () => (random.below(3) === 0 ? "::1" : `${octet()}.${octet()}.${octet()}.${octet()}`);
    const protocol = ["TCP4", "TCP6", "UNKNOWN", "UDP4"][random.below(4)];
    return Buffer.from(`PROXY ${protocol} ${address()} ${address()} ${random.below(70_000)} ${random.below(70_000)}\r\n`);
  }
  const addresses = Buffer.from(Array.from({ length: random.below(60) }, octet));
  return v2([0x20, 0x21, 0x22, 0x11][random.below(4)]!, [0x00, 0x11, 0x21, 0x12, 0x31][random.below(5)]!, addresses);
}
