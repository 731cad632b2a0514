import { type PeerCheck, TlsConfigError, TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import { StartError } from "./start-error.ts";

/** What is asked of a listener's TLS beyond what its block says of itself. */
export interface TlsGuards {
  /** Who looks at a peer's certificate after TLS has verified it; null: nobody. */
  peerCheckFor(tls: TlsOptions): PeerCheck | null;
  /** @throws StartError when it cannot be used */
  approve(context: TlsContext): void;
}

/** Puts a `tls` block to use; null for none. @throws StartError when it cannot be used */
export function loadTls(tls: TlsOptions | null, guards: TlsGuards | null): TlsContext | null {
  if (tls === null) return null;
  try {
    const context = TlsContext.load(tls, guards?.peerCheckFor(tls) ?? null);
    guards?.approve(context);
    return context;
  } catch (error) {
    if (error instanceof TlsConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}
