/**
 * The address that a listener with a host name binds. Like Go, it takes the first IPv4 address of the name, and only without one another
 * address: `localhost` is 127.0.0.1, also where the hosts file lists ::1 first.
 *
 * The system's resolver is called directly, because Bun resolves asynchronously and a start is synchronous. It blocks the event loop,
 * at the start of a listener only.
 */
import { type Pointer, ptr, read } from "bun:ffi";
import { ipBytes } from "../../base/go/address.ts";
import { openLibc } from "../../base/runtime/libc.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
/** `struct addrinfo`: flags, family, socket type, protocol; then a size and three pointers, in an order that differs. */
const ADDRINFO_BYTES = 48;
const ADDRESS_OFFSET = process.platform === "linux" ? 24 : 32;
/** Offset of the address in `struct sockaddr_in`. */
const IPV4_OFFSET = 4;

/**
 * @param ipv4Of the first IPv4 address of a name, null when it has none; replaced in tests
 * @returns the address to bind; the host itself when it is an address or has no IPv4 address
 */
export function listenAddress(host: string, ipv4Of = firstIpv4): string {
  if (host === "" || host.includes(":") || ipBytes(host) !== null) return host;
  return ipv4Of(host) ?? host;
}

/** Null when the name has no IPv4 address, or the resolver cannot be called. */
function firstIpv4(host: string): string | null {
  const libc = openLibc({
    getaddrinfo: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
    freeaddrinfo: { args: ["ptr"], returns: "void" },
  });
  if (libc === null) return null;
  const hints = Buffer.alloc(ADDRINFO_BYTES);
  hints.writeInt32LE(AF_INET, 4);
  hints.writeInt32LE(SOCK_STREAM, 8);
  const result = new BigUint64Array(1);
  if (libc.getaddrinfo(ptr(Buffer.from(`${host}\0`)), null, ptr(hints), ptr(result)) !== 0) return null;
  const list = Number(result[0]) as Pointer;
  const address = read.ptr(list, ADDRESS_OFFSET) as Pointer;
  const bytes = [0, 1, 2, 3].map(index => read.u8(address, IPV4_OFFSET + index));
  libc.freeaddrinfo(list);
  return bytes.join(".");
}
