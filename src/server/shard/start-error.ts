/** Why a server could not start. Texts are the reference's, those about ports Go's: operators and tools know them. */
import { nodeNet } from "../../base/runtime/late-module.ts";
import { hostPort } from "../../wire/transport/host-port.ts";

/** The server could not start. `cause` is the system's error. */
export class StartError extends Error {
  override name = "StartError";
}

const BIND_TEXTS: Record<string, string> = {
  EADDRINUSE: "bind: address already in use",
  EADDRNOTAVAIL: "bind: cannot assign requested address",
  EACCES: "bind: permission denied",
};

/** Text for a port that cannot be bound. */
export function listenErrorText(host: string, port: number, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const bind = code === undefined ? undefined : BIND_TEXTS[code];
  if (bind !== undefined) return `listen tcp ${hostPort(host, port)}: ${bind}`;
  // Bun has no code of its own for a name that does not resolve.
  if (nodeNet().isIP(host) === 0 && !code?.startsWith("EADDR")) return `listen tcp: lookup ${host}: no such host`;
  return `listen tcp ${hostPort(host, port)}: ${message}`;
}
