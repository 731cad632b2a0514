/** How log lines name a client: its address and number, and after CONNECT its name and user. */
import { encode, quote } from "../../base/bytes/ascii.ts";
import { userLabel } from "../../wire/protocol/connect-options.ts";
import type { Transport } from "../../wire/transport/transport.ts";
import { FLAG_INTRODUCED } from "../link/connection-flag.ts";
import type { Client } from "./client.ts";

/** Address and port of the peer; `unix` for a Unix socket. */
export function peerOf({ remoteAddress, remotePort }: Transport): string {
  return remoteAddress === "" ? "unix" : `${bracketed(remoteAddress)}:${remotePort}`;
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** `<peer> - cid:<n>`, then ` - "v<version>:<lang>:<name>"` and ` - "<account>/<user>"`. */
export function labelOf(client: Client): string {
  const base = placeOf(client);
  return (client.flags & FLAG_INTRODUCED) === 0 ? base : `${base}${introductionOf(client)}`;
}

function placeOf({ settings, id, transport }: Client): string {
  if (transport.inProcess) return `pipe - cid:${id}`;
  const peer = peerOf(transport);
  if (transport.type !== "websocket") return `${peer} - cid:${id}`;
  return `${settings?.forwardedFor ? `${bracketed(settings.forwardedFor)}/` : ""}${peer} - wid:${id}`;
}

/** The user as log lines name it; empty: none, or not known yet. */
export function loggedUserOf(client: Client): string {
  if ((client.flags & FLAG_INTRODUCED) === 0) return "";
  const claim = client.login?.claim ?? null;
  return userLabel(client.connect, claim === null || claim.jwt === "" ? "" : claim.subject);
}

/** Names of the last client that was introduced, and how a line shows them: a client that causes many lines causes them one after the other. */
let lastNames: readonly string[] = ["", "", "", "", ""];
let lastIntroduction = "";

function introductionOf(client: Client): string {
  const { name, lang, version } = client.connect;
  const account = client.account.label;
  const user = loggedUserOf(client);
  const [lastName, lastLang, lastVersion, lastAccount, lastUser] = lastNames;
  const isLast = name === lastName && lang === lastLang && version === lastVersion && account === lastAccount && user === lastUser;
  if (isLast) return lastIntroduction;
  const who = [version === "" ? "" : `v${version}`, lang, name].filter(part => part !== "").join(":");
  lastNames = [name, lang, version, account, user];
  lastIntroduction = [who, user === "" ? "" : `${account}/${user}`].map(part => (part === "" ? "" : ` - ${quote(encode(part))}`)).join("");
  return lastIntroduction;
}
