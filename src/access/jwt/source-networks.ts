/**
 * `src` of a user: the networks that it may come from, as CIDR. Addresses are compared as Go does: an IPv4 one, and the same mapped into
 * IPv6, are one address.
 * Source: server/jwt.go, validateSrc; net.ParseCIDR, netip.ParseAddr (behaviour).
 */

interface Network {
  /** Masked; 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly bits: number;
}

/**
 * May a user with these networks come from `host`? Nobody is refused when there are none.
 * @param host an address as text; empty for a client in the process, which is refused as soon as there are networks
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

/** @returns null when the text is no `address/bits` */
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

/** 4 or 16 bytes; null when the text is no address. A zone is none. */
export function ipBytes(text: string): Uint8Array | null {
  return text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
}

function ipv4Bytes(text: string): Uint8Array | null {
  const fields = text.split(".");
  if (fields.length !== 4 || !fields.every(field => /^(?:0|[1-9]\d{0,2})$/.test(field) && Number(field) <= 255)) return null;
  return Uint8Array.from(fields, Number);
}

function ipv6Bytes(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupBytes(halves[0], halves.length === 1);
  const tail = groupBytes(halves[1] ?? "", true);
  if (head === null || tail === null) return null;
  const size = head.length + tail.length;
  if (halves.length === 1 ? size !== 16 : size > 14) return null; // `::` stands for one group at least
  const address = new Uint8Array(16);
  address.set(head);
  address.set(tail, 16 - tail.length);
  return address;
}

/** `a:b:1.2.3.4`; the dotted form only where the address ends. */
function groupBytes(text: string, isEnd: boolean): number[] | null {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const dotted = isEnd && index === groups.length - 1 ? ipv4Bytes(group) : null;
    if (dotted === null) return null;
    bytes.push(...dotted);
  }
  return bytes;
}
