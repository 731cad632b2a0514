import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nameOf } from "../../../test/tls/certificates.ts";
import { DerReader, TAG_SEQUENCE } from "../../wire/transport/tls/der-reader.ts";
import { readName } from "../../wire/transport/tls/distinguished-name.ts";
import { NamedSubject } from "./named-subject.ts";

type Vector = [one: string, other: string, isOne: boolean, isOther: boolean, equal: boolean, equalReordered: boolean];

test("names are parsed and compared as in the reference", () => {
  const vectors = readFileSync(join(import.meta.dir, "named-subject-vectors.jsonl"), "utf8")
    .trim()
    .split("\n");
  for (const vector of vectors.map(line => JSON.parse(line) as Vector)) {
    const [first, second] = vector;
    const one = NamedSubject.parse(first);
    const other = NamedSubject.parse(second);
    const both = one !== null && other !== null;
    expect([
      first,
      second,
      one !== null,
      other !== null,
      both && one.exactKey === other.exactKey,
      both && one.setKey === other.setKey,
    ]).toEqual(vector);
  }
  expect(vectors.length).toBe(400);
});

/** The name of a certificate whose RDNs have this order. */
function certified(subject: string): NamedSubject | null {
  return NamedSubject.ofCertificate(readName(new DerReader(nameOf(subject)).take(TAG_SEQUENCE).contents));
}

test("a certificate's name begins with its last RDN", () => {
  expect(certified("DC=com,OU=Ops\\, EU,CN=alice+OU=x")).toEqual(NamedSubject.parse("ou=x + cn=alice, OU=Ops\\2c EU, dc=com"));
  expect(certified("CN=Zoë")).toEqual(NamedSubject.parse("CN=Zo\\C3\\AB"));
});

test("a certificate with an attribute not allowed in user names has no comparable name", () => {
  expect(certified("O=a,UID=7")).toBeNull();
});

test("the same parts in another order are equal as a set only", () => {
  const one = NamedSubject.parse("CN=a,OU=b,O=c")!;
  const other = NamedSubject.parse("O=c,CN=a,OU=b")!;
  expect([one.exactKey === other.exactKey, one.setKey === other.setKey]).toEqual([false, true]);
});
