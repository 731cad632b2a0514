/**
 * The certificates that a peer sent beside its own. Bun's sockets show only the first; but the session they hand out, BoringSSL's own
 * serialization of it, holds them all:
 *
 *   SSLSession = SEQUENCE { version, protocol, cipher, id, secret, [1] time, …, [3] the peer's certificate, …, [19] chain, … }
 *   chain      = certificates one behind the other, without the peer's own
 * The session's secret passes through our hands with it, and is not kept.
 */
import { DerReader, TAG_SEQUENCE } from "./der-reader.ts";

const TAG_CHAIN = 0xb3;
/** No peer has a reason to send more; BoringSSL bounds their bytes. */
const SENT_MAX = 16;

/** What of a TLS socket is needed; absent from Bun's types. */
export interface SessionSocket {
  getSession(): Uint8Array | undefined;
}

/** @returns DER of each, nobody has verified them; empty also when the session cannot be read */
export function sentCertificates(socket: SessionSocket): Uint8Array[] {
  const session = socket.getSession();
  if (session === undefined) return [];
  try {
    return chainIn(session);
  } catch {
    return []; // another library's form: whoever needs them will find the chain incomplete
  }
}

/** @throws DerError when it is no session */
export function chainIn(session: Uint8Array): Uint8Array[] {
  const fields = new DerReader(session).into(TAG_SEQUENCE);
  while (!fields.done && fields.peek() !== TAG_CHAIN) fields.skip();
  if (fields.done) return [];
  const sent: Uint8Array[] = [];
  for (const chain = fields.into(TAG_CHAIN); !chain.done && sent.length < SENT_MAX; ) {
    sent.push(Uint8Array.from(chain.take(TAG_SEQUENCE).whole)); // copied: the session with its secret goes
  }
  return sent;
}
