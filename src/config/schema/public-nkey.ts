import { decodeNkey, type NkeyKind } from "../../base/keys/nkey.ts";

/** Whether a text is a public nkey, of that kind where one is asked for. */
export function isPublicNkey(text: string, kind: NkeyKind | null = null): boolean {
  const decoded = decodeNkey(text);
  return decoded !== null && (kind === null || decoded.kind === kind);
}
