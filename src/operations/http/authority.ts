/**
 * Whether the authority of an absolute address, `user:password@host:port`, is valid by the rules of Go's URL parser. Monitoring ignores what it
 * says, but a request with an invalid one is refused.
 */
import { isIPv6 } from "node:net";

const USER = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
const NAME = /^[A-Za-z0-9\-._~!$&'()*+,;=[\]<>"\x80-\xff]*$/;
const PORT = /^(:\d*)?$/;
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
/** Names may have escapes of bytes beyond ASCII, and of `%`. */
const NAME_ESCAPE = /%(?:[89A-Fa-f][0-9A-Fa-f]|25)/g;
/** Separates an IPv6 address from its zone. */
const ZONE_MARK = "%25";

/** @param text as latin1; empty is valid */
export function isAuthority(text: string): boolean {
  const at = text.lastIndexOf("@");
  const user = at === -1 ? "" : text.slice(0, at);
  return USER.test(user) && !BROKEN_ESCAPE.test(user) && isHost(text.slice(at + 1));
}

function isHost(host: string): boolean {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) return false;
  if (bracket === 0) {
    const end = host.lastIndexOf("]");
    return end !== -1 && PORT.test(host.slice(end + 1)) && isAddress(host.slice(1, end));
  }
  const colon = host.indexOf(":");
  const name = colon === -1 ? host : host.slice(0, colon);
  return NAME.test(name.replace(NAME_ESCAPE, "")) && PORT.test(host.slice(name.length));
}

/** An IPv6 address, with or without a zone. */
function isAddress(text: string): boolean {
  const mark = text.indexOf(ZONE_MARK);
  if (mark === -1) return isIPv6(text) && !text.includes("%");
  const zone = text.slice(mark + ZONE_MARK.length);
  return isIPv6(text.slice(0, mark)) && zone !== "" && isZone(zone);
}

function isZone(zone: string): boolean {
  for (const [octet, hex] of zone.matchAll(ESCAPE)) {
    const byte = String.fromCharCode(Number.parseInt(hex, 16));
    if (octet !== ZONE_MARK && byte !== " " && (byte >= "\x80" || !NAME.test(byte))) return false;
  }
  return NAME.test(zone.replace(ESCAPE, ""));
}
