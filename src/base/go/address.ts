/** IP addresses as Go reads them. Source: netip.ParseAddr (behaviour). */

/** 4 or 16 bytes; null when the text is not an address. Addresses with a zone are refused. */
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
  if (halves.length === 1 ? size !== 16 : size > 14) return null; // `::` represents at least one group
  const address = new Uint8Array(16);
  address.set(head);
  address.set(tail, 16 - tail.length);
  return address;
}

/** `a:b:1.2.3.4`; the dotted form is allowed only at the end. */
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
