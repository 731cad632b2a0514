/**
 * A certificate's URI as Go re-encodes it, which user names are compared with.
 * The scheme becomes lower case, an empty fragment is removed, and a path or fragment with invalid characters is re-escaped
 * as a whole. The host is unchanged: Go rejects certificates whose URI has an escaped host. Source: net/url (behaviour).
 */
interface PartRules {
  /** Invalid characters; if one occurs, the whole part is re-escaped. */
  readonly wrong: RegExp;
  /** Characters that stay unescaped then. */
  readonly plain: RegExp;
}

const PATH: PartRules = { wrong: /[^A-Za-z0-9\-_.~!$&'()*+,;=:@[\]/%]/, plain: /[A-Za-z0-9\-_.~$&+,/:;=@]/ };
const FRAGMENT: PartRules = { wrong: /[^A-Za-z0-9\-_.~!$&'()*+,;=:@[\]/%?]/, plain: /[A-Za-z0-9\-_.~!$&()*+,/:;=?@]/ };

/** @param uri IA5: ASCII only */
export function uriText(uri: string): string {
  const hash = uri.indexOf("#");
  const fragment = hash === -1 ? "" : uri.slice(hash + 1);
  const [, scheme = "", rest] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(.*)$/s.exec(hash === -1 ? uri : uri.slice(0, hash))!;
  const question = rest.indexOf("?");
  const before = question === -1 ? rest : rest.slice(0, question);
  const query = question === -1 ? "" : rest.slice(question);
  const prefix = scheme === "" ? "" : `${scheme.toLowerCase()}:`;
  const ending = query + (fragment === "" ? "" : `#${reescaped(fragment, FRAGMENT)}`);
  if (scheme !== "" && !before.startsWith("/")) return prefix + before + ending; // opaque: mailto:user
  const [, authority = "", path] = /^(\/\/[^/]*)?(.*)$/s.exec(before)!;
  const host = authority === "//" && path === "" ? "" : authority;
  return prefix + host + reescaped(path, PATH) + ending;
}

function reescaped(text: string, { wrong, plain }: PartRules): string {
  if (!wrong.test(text)) return text;
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  const escaped = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return bytes.replace(/./gs, byte => (plain.test(byte) ? byte : escaped(byte)));
}
