/**
 * Names of a certificate's owner, in the order in which users are looked up by them (`verify_and_map`).
 *
 *   e-mail addresses ─▶ DNS names ─▶ URIs ─▶ the subject, compared as a name ─▶ its text with DC ─▶ its text without
 * Texts are Go's. Source: core §4.8.
 */

import { distinguishedName, type RelativeName, readName } from "../../wire/transport/tls/distinguished-name.ts";
import type { PeerCertificate } from "../../wire/transport/tls-state.ts";
import { NamedSubject } from "./named-subject.ts";
import { uriText } from "./uri-text.ts";

const DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";

/** Kind of the name, as in log lines. */
export type IdentityKind = "email" | "SAN" | "URI" | "DistinguishedNameMatch" | "RDNSequence" | "certificate subject";

export interface CertificateIdentity {
  readonly kind: IdentityKind;
  readonly text: string;
  /** Only for the kind "DistinguishedNameMatch": compared instead of the text. */
  readonly name: NamedSubject | null;
}

/** Yields each name once, skips empty ones, and computes later ones only on demand. */
export function* identitiesOf(certificate: PeerCertificate): Generator<CertificateIdentity> {
  for (const text of certificate.emails) if (text !== "") yield { kind: "email", text, name: null };
  for (const text of certificate.dnsNames) if (text !== "") yield { kind: "SAN", text, name: null };
  for (const uri of certificate.uris) if (uri !== "") yield { kind: "URI", text: uriText(uri), name: null };
  const text = distinguishedName(certificate.name, "known");
  const relativeNames = readName(certificate.name);
  const name = NamedSubject.ofCertificate(relativeNames);
  if (name !== null) yield { kind: "DistinguishedNameMatch", text, name };
  const domain = domainOf(relativeNames);
  if (domain !== "") yield { kind: "RDNSequence", text: `${text},${domain}`, name: null };
  if (text !== "") yield { kind: "certificate subject", text, name: null };
}

/** The domain components, in the certificate's order. */
function domainOf(relativeNames: readonly RelativeName[]): string {
  const components = relativeNames.flat().filter(({ id, text }) => id === DOMAIN_COMPONENT && text !== null);
  return components.map(({ text }) => `DC=${text}`).join(",");
}

/** Whether the certificate has any name that could be a user's. */
export function hasAnyName({ dnsNames, emails, uris, subject }: PeerCertificate): boolean {
  return subject !== "" || dnsNames.length + emails.length + uris.length > 0;
}
