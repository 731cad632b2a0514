/** Parses the Cookie header: RFC 6265, section 5.4. The last cookie of a name counts; malformed cookies are skipped. */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Printable ASCII without `"`, `;` and `\`. */
const VALUE = /^[\x20-\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/;

export function cookiesOf(headers: readonly string[]): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of headers.flatMap(header => header.split(";"))) {
    const pair = part.trim();
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals).trim();
    let value = equals === -1 ? "" : pair.slice(equals + 1).trim();
    if (value.length > 1 && value.startsWith('"') && value.endsWith('"')) value = value.slice(1, -1);
    if (NAME.test(name) && VALUE.test(value)) cookies.set(name, value);
  }
  return cookies;
}
