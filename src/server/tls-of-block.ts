import type { TlsOptions } from "../config/tls-options.ts";
import { type PeerCheck, TlsConfigError, TlsContext } from "../transport/tls/tls-context.ts";
import { StartError } from "./start-error.ts";

/** Puts a `tls` block to use; null for none. @throws StartError when it cannot be used */
export function loadTls(tls: TlsOptions | null, peerCheck: PeerCheck | null): TlsContext | null {
  if (tls === null) return null;
  try {
    return TlsContext.load(tls, peerCheck);
  } catch (error) {
    if (error instanceof TlsConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}
