/**
 * Parses the PROXY protocol's header, versions 1 and 2: the first bytes of a load balancer, which name the real client.
 *
 *   "PROXY TCP4 203.0.113.7 10.0.0.1 51234 4222\r\n"                        version 1, at most 107 bytes
 *   \r\n\r\n\0\r\nQUIT\n │ 0x21 │ 0x11 │ size │ addresses, ports │ TLVs …     version 2
 * The header is optional: other first bytes are ordinary traffic. The format bounds its size (at most 64 KiB + 16).
 * Source: the PROXY protocol's specification; texts and order of the checks as the reference's (core §9.5).
 */

import { quote } from "../../../base/bytes/ascii.ts";
import { nodeNet } from "../../../base/runtime/late-module.ts";

/** Bytes needed to decide whether there is a header. */
export const PROXY_PREFIX_BYTES = 6;

const V1_PREFIX = Buffer.from("PROXY ");
const V1_LINE_BYTES_MAX = 107;
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_HEADER_BYTES = 16;
const IPV4_BYTES = 12;
const IPV6_BYTES = 36;

export type ProxyOutcome =
  | { readonly kind: "more" }
  /** No header: all bytes are ordinary traffic. */
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly text: string }
  /** The header has `size` bytes. `source` is null when it names no client: the socket's own address counts. */
  | { readonly kind: "header"; readonly size: number; readonly source: { readonly address: string; readonly port: number } | null };

const MORE: ProxyOutcome = { kind: "more" };
const ABSENT: ProxyOutcome = { kind: "absent" };

/** Reads the header at the start of `bytes`, which may be cut anywhere: call again with more. */
export function readProxyHeader(bytes: Buffer): ProxyOutcome {
  if (bytes.length < PROXY_PREFIX_BYTES) return MORE;
  if (bytes.subarray(0, PROXY_PREFIX_BYTES).equals(V1_PREFIX)) return readV1(bytes);
  if (bytes.subarray(0, PROXY_PREFIX_BYTES).equals(V2_SIGNATURE.subarray(0, PROXY_PREFIX_BYTES))) return readV2(bytes);
  return ABSENT;
}

/** The step at which the bytes ended too early, in the reference's words. */
export function unfinishedText(bytes: Buffer): string {
  if (bytes.length < PROXY_PREFIX_BYTES) return "failed to read protocol version";
  if (bytes[0] === V1_PREFIX[0]) return "failed to read v1 line";
  if (bytes.length < V2_SIGNATURE.length) return "failed to read v2 signature";
  if (bytes.length < V2_HEADER_BYTES) return "failed to read v2 header";
  if ((bytes[12] & 0x0f) === 0) return "failed to discard LOCAL command address data";
  return `failed to read ${(bytes[13] & 0xf0) === 0x10 ? "IPv4" : "IPv6"} address data`;
}

/** Go's error text for an end at this position: Go reads in steps, and an end within a step is "unexpected". */
export function endText(bytes: Buffer): string {
  const size = bytes.length;
  const isV1 = size >= PROXY_PREFIX_BYTES && bytes[0] === V1_PREFIX[0];
  const isLocal = size > V2_HEADER_BYTES && (bytes[12] & 0x0f) === 0;
  const betweenSteps = [0, PROXY_PREFIX_BYTES, V2_SIGNATURE.length, V2_HEADER_BYTES].includes(size);
  return isV1 || isLocal || betweenSteps ? "EOF" : "unexpected EOF";
}

function invalid(text: string): ProxyOutcome {
  return { kind: "refused", text: `invalid PROXY protocol header: ${text}` };
}

function unsupported(text: string): ProxyOutcome {
  return { kind: "refused", text: `unsupported PROXY protocol feature: ${text}` };
}

function readV1(bytes: Buffer): ProxyOutcome {
  const end = bytes.subarray(0, V1_LINE_BYTES_MAX).indexOf("\r\n", PROXY_PREFIX_BYTES, "latin1");
  if (end === -1) return bytes.length >= V1_LINE_BYTES_MAX ? invalid("v1 line too long") : MORE;
  const size = end + 2;
  const fields = bytes
    .toString("latin1", PROXY_PREFIX_BYTES, end)
    .split(/[\t\n\v\f\r \x85\xa0]+/)
    .filter(field => field !== "");
  if (fields.length === 0) return invalid("invalid v1 format");
  if (fields[0] === "UNKNOWN") return { kind: "header", size, source: null };
  if (fields.length !== 5) return invalid("invalid v1 format");
  const [protocol, source, target, sourcePort, targetPort] = fields;
  // Zones (`fe80::1%eth0`) are not allowed.
  if ([source, target].some(address => nodeNet().isIP(address) === 0 || address.includes("%"))) return invalid("invalid address");
  for (const [name, port] of [
    ["source", sourcePort],
    ["dest", targetPort],
  ]) {
    const complaint = portComplaint(port);
    if (complaint !== "") return { kind: "refused", text: `invalid ${name} port: ${complaint}` };
  }
  const v6 = [source.includes(":"), target.includes(":")];
  if (protocol === "TCP4" && (v6[0] || v6[1])) return invalid("TCP4 with IPv6 address");
  if (protocol === "TCP6" && !(v6[0] && v6[1])) return invalid("TCP6 with IPv4 address");
  if (protocol !== "TCP4" && protocol !== "TCP6") return invalid(`invalid protocol ${protocol}`);
  return { kind: "header", size, source: { address: canonicalAddress(source), port: Number(sourcePort) } };
}

/** Go's error text for an invalid port; empty when it is valid. */
function portComplaint(text: string): string {
  const why = !/^\d+$/.test(text) ? "invalid syntax" : Number(text) > 0xffff ? "value out of range" : "";
  return why === "" ? "" : `strconv.ParseUint: parsing ${quote(Buffer.from(text, "latin1"))}: ${why}`;
}

function readV2(bytes: Buffer): ProxyOutcome {
  if (bytes.length < V2_SIGNATURE.length) return MORE;
  if (!bytes.subarray(0, V2_SIGNATURE.length).equals(V2_SIGNATURE)) return invalid("invalid signature");
  if (bytes.length < V2_HEADER_BYTES) return MORE;
  const version = bytes[12] & 0xf0;
  const command = bytes[12] & 0x0f;
  const family = bytes[13] & 0xf0;
  const addressBytes = bytes.readUInt16BE(14);
  const size = V2_HEADER_BYTES + addressBytes;
  if (version !== 0x20) return invalid(`invalid version ${hex(version)}`);
  const isLocal = command === 0;
  if (!isLocal) {
    if (command !== 1) return { kind: "refused", text: `unknown PROXY protocol command: ${hex(command)}` };
    if ((bytes[13] & 0x0f) !== 1) return unsupported("only STREAM protocol supported");
    if (family > 0x20) return unsupported(`unsupported address family ${hex(family)}`);
    if (family === 0x10 && addressBytes < IPV4_BYTES) return tooShort("IPv4", addressBytes);
    if (family === 0x20 && addressBytes < IPV6_BYTES) return tooShort("IPv6", addressBytes);
  }
  if (bytes.length < size) return MORE;
  if (isLocal || family === 0) return { kind: "header", size, source: null };
  const at = V2_HEADER_BYTES;
  const source =
    family === 0x10
      ? { address: bytes.subarray(at, at + 4).join("."), port: bytes.readUInt16BE(at + 8) }
      : { address: addressOfBytes(bytes.subarray(at, at + 16)), port: bytes.readUInt16BE(at + 32) };
  return { kind: "header", size, source };
}

function tooShort(family: string, size: number): ProxyOutcome {
  return { kind: "refused", text: `${family} address data too short: ${size} bytes` };
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

/** Formats 16 bytes as the shortest IPv6 address, an IPv4-mapped one as IPv4. */
function addressOfBytes(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return canonicalAddress(groups.join(":"));
}

/** Go's form of an address: lower case, the longest run of zeros as `::`, an IPv4-mapped address as IPv4. */
export function canonicalAddress(address: string): string {
  if (nodeNet().isIPv4(address)) return address;
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short);
  if (mapped === null) return short;
  const [high, low] = [Number.parseInt(mapped[1], 16), Number.parseInt(mapped[2], 16)];
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}
