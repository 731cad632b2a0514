/** Texts for a port that cannot be bound, as Go's net package writes them: operators and tools know those. */
import { nodeNet } from "../../base/runtime/late-module.ts";
import { hostPort } from "./host-port.ts";

const BIND_TEXTS: Record<string, string> = {
  EADDRINUSE: "bind: address already in use",
  EADDRNOTAVAIL: "bind: cannot assign requested address",
  EACCES: "bind: permission denied",
};

export function listenErrorText(host: string, port: number, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const bind = code === undefined ? undefined : BIND_TEXTS[code];
  if (bind !== undefined) return `listen tcp ${hostPort(host, port)}: ${bind}`;
  // Bun has no code of its own for a name that does not resolve.
  if (nodeNet().isIP(host) === 0 && !code?.startsWith("EADDR")) return `listen tcp: lookup ${host}: no such host`;
  return `listen tcp ${hostPort(host, port)}: ${message}`;
}
