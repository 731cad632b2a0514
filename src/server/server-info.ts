/**
 * INFO as clients get it. Serialized once per change; what differs per connection is spliced in at two places.
 *
 *   head ─ …"jetstream" │ client_id, client_ip, nonce │ middle ─ cluster … ldm │ connect_info, remote_account │ tail ─ api_lvl …
 * The order of fields is the reference's.
 */
import type { Client } from "../connection/client.ts";
import type { InfoOccasion } from "../connection/host.ts";
import { API_LEVEL, NATS_VERSION, OWN_VERSION, PROTOCOL } from "../protocol/version.ts";

export interface ServerInfo {
  serverId: string;
  serverName: string;
  host: string;
  port: number;
  headers: boolean;
  authRequired: boolean;
  payloadBytesMax: number;
  connectUrls: readonly string[];
  lameDuck: boolean;
  xkey: string;
}

export class InfoLines {
  private head = "";
  private middle = "";
  private tail = "";

  constructor(info: ServerInfo) {
    this.update(info);
  }

  update(info: ServerInfo): void {
    const head: Record<string, unknown> = {
      server_id: info.serverId,
      server_name: info.serverName,
      version: NATS_VERSION,
      proto: PROTOCOL,
      go: `bun${Bun.version}`,
      host: info.host,
      port: info.port,
      headers: info.headers,
    };
    if (info.authRequired) head.auth_required = true;
    head.max_payload = info.payloadBytesMax;
    const middle: Record<string, unknown> = {};
    if (info.connectUrls.length > 0) middle.connect_urls = info.connectUrls;
    if (info.lameDuck) middle.ldm = true;
    this.head = JSON.stringify(head).slice(0, -1);
    this.middle = fields(middle);
    this.tail = fields({ api_lvl: API_LEVEL, xkey: info.xkey, bunats: OWN_VERSION });
  }

  /** The line for one client, CRLF included. */
  line(client: Client, occasion: InfoOccasion): Buffer {
    const own: Record<string, unknown> = { client_id: client.id };
    if (client.transport.remoteAddress !== "") own.client_ip = client.transport.remoteAddress;
    if (occasion === "accept" && client.nonce !== "") own.nonce = client.nonce;
    const connected = occasion === "connected" ? fields({ connect_info: true, remote_account: client.account.name }) : "";
    return Buffer.from(`INFO ${this.head}${fields(own)}${this.middle}${connected}${this.tail}} \r\n`);
  }
}

/** `,"name":value…`, empty for no fields. */
function fields(object: Record<string, unknown>): string {
  const json = JSON.stringify(object);
  return json === "{}" ? "" : `,${json.slice(1, -1)}`;
}
