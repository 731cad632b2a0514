/**
 * The certificates that a peer sent after its own. Bun's sockets show only the first one, but the session they export, in BoringSSL's own
 * serialization, holds all of them:
 *
 *   SSLSession = SEQUENCE { version, protocol, cipher, id, secret, [1] time, …, [3] the peer's certificate, …, [19] chain, … }
 *   chain      = consecutive certificates, without the peer's own
 * The serialized session also holds its secret, which is not kept.
 */
import { DerReader, TAG_SEQUENCE } from "./der-reader.ts";

const TAG_CHAIN = 0xb3;
/** Certificates read from one session; BoringSSL bounds their bytes. */
const SENT_MAX = 16;

/** The method of TLS sockets that this file needs; Bun's types lack it. */
export interface SessionSocket {
  getSession(): Uint8Array | undefined;
}

/** @returns DER of each, unverified; empty also when the session cannot be read */
export function sentCertificates(socket: SessionSocket): Uint8Array[] {
  const session = socket.getSession();
  if (session === undefined) return [];
  try {
    return chainIn(session);
  } catch {
    return []; // serialized by another TLS library: callers see an incomplete chain
  }
}

/** @throws DerError when the bytes are not a session */
export function chainIn(session: Uint8Array): Uint8Array[] {
  const fields = new DerReader(session).into(TAG_SEQUENCE);
  while (!fields.done && fields.peek() !== TAG_CHAIN) fields.skip();
  if (fields.done) return [];
  const sent: Uint8Array[] = [];
  for (const chain = fields.into(TAG_CHAIN); !chain.done && sent.length < SENT_MAX; ) {
    sent.push(Uint8Array.from(chain.take(TAG_SEQUENCE).whole)); // copied, so that the session and its secret can be collected
  }
  return sent;
}
