/**
 * A certificate's name as Go prints it (`pkix.Name.String`): RFC 2253, the last RDN first.
 *
 * Go does not keep the order of the RDNs: known attributes are grouped in Go's own order, several values of one attribute are joined
 * by `+`; unknown attributes follow, as `1.2.3=#<hex of DER>`. Operators name users by this text (verify_and_map).
 */
import {
  DerReader,
  objectIdentifierText,
  stringText,
  TAG_OBJECT_IDENTIFIER,
  TAG_PRINTABLE_STRING,
  TAG_SEQUENCE,
  TAG_SET,
  TAG_UTF8_STRING,
} from "./der-reader.ts";

/** Attributes known to Go, in Go's order. */
const KNOWN: readonly (readonly [id: string, name: string])[] = [
  ["2.5.4.6", "C"],
  ["2.5.4.8", "ST"],
  ["2.5.4.7", "L"],
  ["2.5.4.9", "STREET"],
  ["2.5.4.17", "POSTALCODE"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.3", "CN"],
  ["2.5.4.5", "SERIALNUMBER"],
];
/** Attributes of which Go keeps the last value only; of the others it keeps all. */
const SINGLE = new Set(["2.5.4.3", "2.5.4.5"]);

export interface NameAttribute {
  /** Object identifier, dotted. */
  readonly id: string;
  /** Null when the value is not a string. */
  readonly text: string | null;
  /** The value as DER. */
  readonly der: Uint8Array;
}

/** One RDN: usually one attribute. */
export type RelativeName = readonly NameAttribute[];

/**
 * @param name contents of the name's SEQUENCE
 * @param attributes "known" leaves out unknown attributes, as Go's `Name.ToRDNSequence` does
 */
export function distinguishedName(name: Uint8Array, attributes: "all" | "known" = "all"): string {
  const unknown: NameAttribute[] = [];
  const known = new Map<string, string[]>();
  for (const attribute of readName(name).flat()) {
    const { id, text } = attribute;
    if (!KNOWN.some(([knownId]) => knownId === id)) {
      if (attributes === "all") unknown.push(attribute);
    } else if (text !== null) {
      const values = known.get(id) ?? [];
      if (SINGLE.has(id)) values.length = 0;
      if (text !== "" || !SINGLE.has(id)) values.push(text);
      known.set(id, values);
    }
  }
  const rdns = unknown.map(({ id, text, der }) => `${id}=#${Buffer.from(text === null ? der : marshalled(text)).toString("hex")}`);
  for (const [id, label] of KNOWN) {
    const values = known.get(id) ?? [];
    if (values.length > 0) rdns.push(values.map(value => `${label}=${escaped(value)}`).join("+"));
  }
  return rdns.reverse().join(",");
}

/**
 * A name with its attributes in the certificate's order.
 * @param name contents of the name's SEQUENCE
 * @throws DerError
 */
export function readName(name: Uint8Array): readonly RelativeName[] {
  const relativeNames: RelativeName[] = [];
  for (const rdns = new DerReader(name); !rdns.done; ) {
    const attributes: NameAttribute[] = [];
    for (const rdn = rdns.into(TAG_SET); !rdn.done; ) {
      const pair = rdn.into(TAG_SEQUENCE);
      const id = objectIdentifierText(pair.take(TAG_OBJECT_IDENTIFIER).contents);
      const value = pair.next();
      attributes.push({ id, text: stringText(value), der: value.whole });
    }
    relativeNames.push(attributes);
  }
  return relativeNames;
}

/** A string as Go re-encodes it: PrintableString where possible. */
function marshalled(text: string): Uint8Array {
  const tag = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? TAG_PRINTABLE_STRING : TAG_UTF8_STRING;
  const bytes = Buffer.from(text);
  const size = bytes.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

function escaped(text: string): string {
  const bytes = Buffer.byteLength(text);
  let at = 0; // in bytes, as Go counts
  let result = "";
  for (const character of text) {
    const special =
      ',+"\\<>;'.includes(character) || (character === " " && (at === 0 || at === bytes - 1)) || (character === "#" && at === 0);
    result += special ? `\\${character}` : character;
    at += Buffer.byteLength(character);
  }
  return result;
}
