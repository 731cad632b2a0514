import type { PeerCheck, TlsContext } from "../../wire/transport/tls/tls-context.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import { StartError } from "./server-errors.ts";

/** Requirements on a listener's TLS in addition to its `tls` block. */
export interface TlsGuards {
  /** Checks a peer's certificate after TLS has verified it; null: no check. */
  peerCheckFor(tls: TlsOptions): PeerCheck | null;
  /** @throws StartError when the context does not meet the requirements */
  approve(context: TlsContext): void;
}

/** Loads the files of a `tls` block; null without a block. @throws StartError when the block cannot be used */
export function loadTls(tls: TlsOptions | null, guards: TlsGuards | null): TlsContext | null {
  if (tls === null) return null;
  const { TlsConfigError, TlsContext } = tlsContextModule();
  try {
    const context = TlsContext.load(tls, guards?.peerCheckFor(tls) ?? null);
    guards?.approve(context);
    return context;
  } catch (error) {
    if (error instanceof TlsConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/** Loaded when it is needed, as a default start does without it (bench/start.ts); synchronously, so that a reload stays one step. */
function tlsContextModule(): typeof import("../../wire/transport/tls/tls-context.ts") {
  return require("../../wire/transport/tls/tls-context.ts");
}
