/** Errors of starting and running a server, as embedding programs receive them. Texts are the reference's, because operators and tools know them. */
import { nodeNet } from "../../base/runtime/late-module.ts";
import { addressOf, hostPort } from "../../wire/transport/host-port.ts";

/**
 * The server could not start; nothing keeps running. The message is the reference's.
 *
 * `code` is stable: the system's error code (`EADDRINUSE`, `EACCES`, `ENOENT` …), `ERR_TLS` for a `tls` block that
 * cannot be used, otherwise `ERR_START`. `cause` is the underlying error, if any.
 */
export class StartError extends Error {
  override name = "StartError";
  readonly code: string;

  constructor(message: string, options: { readonly cause?: unknown; readonly code?: string } = {}) {
    super(message, options);
    this.code = options.code ?? stableCode(options.cause) ?? "ERR_START";
  }
}

/** A reload was refused; the server keeps its previous options. `cause` is the reason. `code` is stable. */
export class ReloadError extends Error {
  override name = "ReloadError";
  readonly code = "ERR_RELOAD";
}

/** The server has stopped, so nothing can connect to it. `code` is stable. */
export class StoppedError extends Error {
  override name = "StoppedError";
  readonly code = "ERR_STOPPED";
}

/** The code to expose. Only the system's codes (`E…`) and our code for TLS are stable; those of the runtime and of OpenSSL change with versions. */
function stableCode(cause: unknown): string | null {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_TLS" || (typeof code === "string" && /^E[A-Z0-9]+$/.test(code))) return code;
  }
  return null;
}

const BIND_TEXTS: Record<string, string> = {
  EADDRINUSE: "bind: address already in use",
  EADDRNOTAVAIL: "bind: cannot assign requested address",
  EACCES: "bind: permission denied",
};

/** Go's error text for a port that cannot be bound. */
export function listenErrorText(host: string, port: number, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const bind = code === undefined ? undefined : BIND_TEXTS[code];
  if (bind !== undefined) return `listen tcp ${hostPort(addressOf(host), port)}: ${bind}`;
  // Bun has no specific code for a host name that does not resolve.
  if (nodeNet().isIP(host) === 0 && !code?.startsWith("EADDR")) return `listen tcp: lookup ${host}: no such host`;
  return `listen tcp ${hostPort(host, port)}: ${message}`;
}
