/**
 * Comparable distinguished names: of certificates, and of users named by operators.
 *
 *   "CN=alice+UID=7,OU=Ops\, EU,DC=com" ─ parse ─┐
 *                                                ├─▶ parts: one text per RDN, its attributes in a fixed order
 *   name of a certificate, last RDN first ───────┘        ├─▶ exactKey   the parts in their order
 *                                                         └─▶ setKey     the parts in a fixed order
 * Two names are equal when their keys are, so users are found in a map instead of being parsed and compared for every connection.
 * The order within an RDN and the case of attribute names are ignored; values are compared byte by byte. Attributes
 * repeated in one RDN only count towards its number of attributes, as in the reference.
 * Texts hold one byte per character (latin1), as `\xx` in a user's name may write any byte.
 * Source: RFC 4514, RFC 4517 §4.2.15; reference, internal/ldap (behaviour).
 */
import type { RelativeName } from "../../wire/transport/tls/distinguished-name.ts";

/** Attributes allowed in user names. A certificate with any other attribute has no comparable name. */
const ATTRIBUTE_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "SERIALNUMBER",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.17": "POSTALCODE",
  "0.9.2342.19200300.100.1.25": "DC",
};

export class NamedSubject {
  readonly exactKey: string;
  readonly setKey: string;

  private constructor(parts: readonly string[]) {
    this.exactKey = JSON.stringify(parts);
    this.setKey = JSON.stringify([...parts].sort());
  }

  /** @returns null when an attribute is unknown or its value is not text */
  static ofCertificate(name: readonly RelativeName[]): NamedSubject | null {
    const parts: string[] = [];
    for (const rdn of name.toReversed()) {
      if (rdn.length === 0) continue;
      const attributes: string[] = [];
      for (const { id, text } of rdn) {
        const type = ATTRIBUTE_NAMES[id];
        if (type === undefined || text === null) return null;
        attributes.push(attributeKey(type, toBytes(text)));
      }
      parts.push(partKey(attributes));
    }
    return new NamedSubject(parts);
  }

  /** @returns null when the text is not a distinguished name, which is valid: users have other names too */
  static parse(text: string): NamedSubject | null {
    const parts = new NameScanner(toBytes(text)).parts();
    return parts === null ? null : new NamedSubject(parts);
  }
}

/** Joins unambiguously, whatever characters either part holds. */
function attributeKey(type: string, value: string): string {
  return JSON.stringify([foldCase(type), value]);
}

function partKey(attributes: readonly string[]): string {
  return JSON.stringify([attributes.length, ...[...new Set(attributes)].sort()]);
}

/** Unicode's simple folding maps two more characters to ASCII letters: U+017F to s, U+212A to k. */
function foldCase(type: string): string {
  return Buffer.from(type, "latin1").toString("utf8").replaceAll("\u017f", "s").toLowerCase();
}

function toBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

const ESCAPABLE = ' "#+,;<=>\\';

/** Parses a name from left to right. Spaces around types and values are ignored, unless escaped. */
class NameScanner {
  private at = 0;
  /** Characters read so far of the current type or value. */
  private held = "";
  /** Number of unescaped spaces at its end. */
  private trailingSpaces = 0;

  constructor(private readonly text: string) {}

  /** @returns one text per RDN; null when it is malformed */
  parts(): string[] | null {
    const { text } = this;
    const parts: string[] = [];
    let attributes: string[] = [];
    let type = "";
    while (this.at < text.length) {
      const character = text[this.at++];
      if (character === "\\") {
        if (!this.takeEscaped()) return null;
      } else if (character === "=") {
        type = this.take(); // a second `=` replaces the type by the text between the two
        if (text[this.at] === "#") return null; // BER
      } else if (character === "," || character === "+") {
        if (type === "") return null;
        attributes.push(attributeKey(type, this.take()));
        type = "";
        if (character === "+") continue;
        parts.push(partKey(attributes));
        attributes = [];
      } else this.hold(character);
    }
    if (this.held === "") return parts; // a trailing attribute without a value is ignored
    if (type === "") return null;
    parts.push(partKey([...attributes, attributeKey(type, this.take())]));
    return parts;
  }

  private hold(character: string): void {
    if (character === " " && this.held === "") return;
    this.trailingSpaces = character === " " ? this.trailingSpaces + 1 : 0;
    this.held += character;
  }

  private take(): string {
    const taken = this.held.slice(0, this.held.length - this.trailingSpaces);
    this.held = "";
    this.trailingSpaces = 0;
    return taken;
  }

  /** Reads what follows a backslash: a special character, or two hex digits of a byte. */
  private takeEscaped(): boolean {
    const { text, at } = this;
    this.trailingSpaces = 0;
    if (at === text.length) return true; // a trailing backslash escapes nothing
    if (ESCAPABLE.includes(text[at])) {
      this.held += text[at];
      this.at += 1;
      return true;
    }
    const digits = text.slice(at, at + 2);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) return false;
    this.held += String.fromCharCode(Number.parseInt(digits, 16));
    this.at += 2;
    return true;
  }
}
