/** Exports and imports as the claims of an account hold them: streams, unless `more` says otherwise. */
import type { Export, Import } from "../../src/access/jwt/claims.ts";
import type { Signer } from "../../src/access/jwt/encode.ts";

const EXPORT: Export = {
  name: "e",
  subject: "",
  type: "stream",
  tokenRequired: false,
  revocations: new Map(),
  responseType: "",
  responseThresholdNanoseconds: 0,
  latency: null,
  accountTokenPosition: 0,
  advertise: false,
  allowTrace: false,
  description: "",
  infoUrl: "",
};
const IMPORT: Import = {
  name: "i",
  subject: "",
  account: "",
  token: "",
  to: "",
  localSubject: "",
  type: "stream",
  share: false,
  allowTrace: false,
};

export function exportOf(subject: string, more: Partial<Export> = {}): Export {
  return { ...EXPORT, subject, ...more };
}

export function importFrom(exporter: Signer, subject: string, more: Partial<Import> = {}): Import {
  return { ...IMPORT, account: exporter.publicKey, subject, ...more };
}
