/** How log lines name a client before it has introduced itself. */
import type { Transport } from "../transport/transport.ts";
import type { Door } from "./door.ts";

/** Where the peer is; `unix` for one that came by a Unix socket. */
export function peerOf({ remoteAddress, remotePort }: Transport): string {
  return remoteAddress === "" ? "unix" : `${bracketed(remoteAddress)}:${remotePort}`;
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

export function labelOf(transport: Transport, id: number, door: Door | null): string {
  if (transport.inProcess) return `pipe - cid:${id}`;
  const peer = peerOf(transport);
  if (transport.type !== "websocket") return `${peer} - cid:${id}`;
  return `${door?.forwardedFor ? `${bracketed(door.forwardedFor)}/` : ""}${peer} - wid:${id}`;
}
