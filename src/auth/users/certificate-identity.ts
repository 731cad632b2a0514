/**
 * What a certificate calls its owner, in the order in which a user of that name is looked for (`verify_and_map`).
 *
 *   e-mail addresses ─▶ DNS names ─▶ URIs ─▶ the subject, compared as a name ─▶ its text with DC ─▶ its text without
 * Texts are Go's. Source: core §4.8.
 */

import { distinguishedName, type RelativeName, readName } from "../../wire/transport/tls/distinguished-name.ts";
import type { PeerCertificate } from "../../wire/transport/tls-state.ts";
import { NamedSubject } from "./named-subject.ts";
import { uriText } from "./uri-text.ts";

const DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";

/** How log lines call it. */
export type IdentityKind = "email" | "SAN" | "URI" | "DistinguishedNameMatch" | "RDNSequence" | "certificate subject";

export interface CertificateIdentity {
  readonly kind: IdentityKind;
  readonly text: string;
  /** Only of the kind "DistinguishedNameMatch": users are compared with this instead of with the text. */
  readonly name: NamedSubject | null;
}

/** Nothing twice, nothing empty; what comes late is only made when it is asked for. */
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

/** The domain components, as they stand in the certificate. */
function domainOf(relativeNames: readonly RelativeName[]): string {
  const components = relativeNames.flat().filter(({ id, text }) => id === DOMAIN_COMPONENT && text !== null);
  return components.map(({ text }) => `DC=${text}`).join(",");
}

/** Whether there is anything in it that a user could be called. */
export function namesAnybody({ dnsNames, emails, uris, subject }: PeerCertificate): boolean {
  return subject !== "" || dnsNames.length + emails.length + uris.length > 0;
}
