/**
 * `src` of a user: the networks that it may connect from, as CIDR. Addresses are compared as in Go: an IPv4 address equals the same address
 * mapped into IPv6.
 * Source: server/jwt.go, validateSrc; net.ParseCIDR, netip.ParseAddr (behaviour).
 */

import { ipBytes } from "../../base/go/address.ts";

interface Network {
  /** Masked; 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly bits: number;
}

/**
 * Whether a user with these networks may connect from `host`. Without networks every address is allowed.
 * @param host an address as text; empty for a client in the process, which is refused when there are networks
 */
export function isFromNetworks(networks: readonly string[], host: string): boolean {
  if (networks.length === 0) return true;
  const ip = ipBytes(host);
  if (ip === null) return false;
  const address = unmapped(ip);
  for (const text of networks) {
    const network = networkOf(text);
    if (network === null) return false;
    if (contains(network, address)) return true;
  }
  return false;
}

/** @returns null when the text is not `address/bits` */
export function networkOf(text: string): Network | null {
  const slash = text.indexOf("/");
  const address = slash === -1 ? null : ipBytes(text.slice(0, slash));
  const mask = text.slice(slash + 1);
  if (address === null || !/^\d+$/.test(mask) || Number(mask) > address.length * 8) return null;
  const bits = Number(mask);
  const masked = address.map((byte, index) => byte & maskByte(bits, index));
  const short = unmapped(masked);
  return short.length === address.length ? { address: masked, bits } : { address: short, bits: Math.max(0, bits - 96) };
}

function maskByte(bits: number, index: number): number {
  const rest = Math.min(8, Math.max(0, bits - index * 8));
  return (0xff << (8 - rest)) & 0xff;
}

function contains({ address: network, bits }: Network, address: Uint8Array): boolean {
  return network.length === address.length && network.every((byte, index) => byte === (address[index] & maskByte(bits, index)));
}

/** `::ffff:1.2.3.4` is 1.2.3.4. */
function unmapped(address: Uint8Array): Uint8Array {
  const isMapped = address.length === 16 && address.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff));
  return isMapped ? address.slice(12) : address;
}
