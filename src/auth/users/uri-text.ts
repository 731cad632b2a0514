/**
 * A URI of a certificate as Go writes it again: users are compared with that.
 * The scheme becomes lower case, an empty fragment goes, and a path or fragment with characters that must not stand there is escaped anew,
 * as a whole. A host stays as it is: Go takes no certificate whose URI has one with escapes. Source: net/url (behaviour).
 */
interface PartRules {
  /** What may not stand there; then the whole part is written anew. */
  readonly wrong: RegExp;
  /** What is not escaped then. */
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
  const ending = query + (fragment === "" ? "" : `#${sound(fragment, FRAGMENT)}`);
  if (scheme !== "" && !before.startsWith("/")) return prefix + before + ending; // opaque: mailto:somebody
  const [, authority = "", path] = /^(\/\/[^/]*)?(.*)$/s.exec(before)!;
  const host = authority === "//" && path === "" ? "" : authority;
  return prefix + host + sound(path, PATH) + ending;
}

function sound(text: string, { wrong, plain }: PartRules): string {
  if (!wrong.test(text)) return text;
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  const escaped = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return bytes.replace(/./gs, byte => (plain.test(byte) ? byte : escaped(byte)));
}
