/**
 * INFO lines. Serialized once per change; fields that differ per connection are inserted at two places.
 *
 *   head ─ … │ max_payload, jetstream, client_id, client_ip, nonce │ middle ─ cluster … ldm │ connect_info, remote_account │ tail ─ api_lvl …
 * The order of fields is the reference's.
 */

import type { Options } from "../../config/schema/options.ts";
import type { Client, InfoOccasion } from "../../connections/client/client.ts";
import { PAYLOAD_UNLIMITED } from "../../wire/protocol/parser.ts";
import { API_LEVEL, NATS_VERSION, OWN_VERSION, PROTOCOL } from "../../wire/protocol/version.ts";

export interface ServerInfo {
  serverId: string;
  serverName: string;
  host: string;
  port: number;
  headers: boolean;
  /** Name of the server's cluster; null: none. */
  cluster: string | null;
  jetStream: boolean;
  /** The domain of JetStream, also while it is off; empty: none. */
  domain: string;
  authRequired: boolean;
  /** Clients may connect without credentials (`no_auth_user`), so the first INFO does not require authentication. */
  admitsAnonymous: boolean;
  tls: TlsInfo | null;
  connectUrls: readonly string[];
  lameDuck: boolean;
  xkey: string;
  /** The WebSocket listener. INFO for WebSocket clients names it instead of the client port. null: no such listener. */
  websocket: WebSocketInfo | null;
}

/** TLS of the client port. */
export interface TlsInfo {
  /** False: TLS is optional. */
  readonly required: boolean;
  /** Clients must present a certificate. */
  readonly verify: boolean;
}

export interface WebSocketInfo {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly authRequired: boolean;
}

/** The properties of a server that INFO contains. */
export interface InfoServer {
  readonly identity: { readonly id: string; readonly xkey: string };
  readonly serverName: string;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  readonly authRequired: boolean;
  readonly options: Options;
  readonly websocket: WebSocketInfo | null;
  readonly announcesLameDuck: boolean;
}

export function infoOf(server: InfoServer): ServerInfo {
  const { allowNonTls, clusterName, headers, jetStream, noAuthUser, tls } = server.options;
  return {
    serverId: server.identity.id,
    serverName: server.serverName,
    host: server.advertisedHost,
    port: server.advertisedPort,
    headers,
    cluster: clusterName,
    jetStream: jetStream.enabled,
    domain: jetStream.domain,
    authRequired: server.authRequired,
    admitsAnonymous: noAuthUser !== null,
    tls: tls === null ? null : { required: !allowNonTls, verify: tls.verify },
    connectUrls: [],
    websocket: server.websocket,
    lameDuck: server.announcesLameDuck,
    xkey: server.identity.xkey,
  };
}

/** INFO without the fields that differ per connection. */
interface InfoParts {
  readonly head: string;
  readonly middle: string;
  readonly tail: string;
}

export class InfoLines {
  private jetStream = false;
  private parts!: InfoParts;
  /** The first INFO of a connection. */
  private acceptParts!: InfoParts;
  /** The first INFO of a connection that begins with the TLS handshake. */
  private handshakeFirstParts!: InfoParts;
  private inProcessParts!: InfoParts;
  private websocketParts!: InfoParts;

  constructor(info: ServerInfo) {
    this.update(info);
  }

  update(info: ServerInfo): void {
    const { tls } = info;
    this.jetStream = info.jetStream;
    const atAccept = { ...info, authRequired: info.authRequired && !info.admitsAnonymous };
    this.parts = partsOf(info, tlsFields(tls, tls?.required ?? false));
    this.acceptParts = partsOf(atAccept, tlsFields(tls, tls?.required ?? false));
    this.handshakeFirstParts = partsOf(atAccept, tlsFields(tls, true));
    this.inProcessParts = partsOf(atAccept, {});
    this.websocketParts = partsOf(info, {});
    const { websocket } = info;
    if (websocket === null) return;
    // `connect_urls` will list other servers of a cluster; a single server lists nothing, not even itself.
    const { host, port, secure, authRequired } = websocket;
    this.websocketParts = partsOf(
      { ...info, host, port, authRequired: info.authRequired || authRequired, connectUrls: [] },
      webSocketTlsFields(tls, secure),
    );
  }

  private partsFor({ transport }: Client, occasion: InfoOccasion): InfoParts {
    if (transport.type === "websocket") return this.websocketParts;
    if (transport.inProcess) return this.inProcessParts; // no TLS inside the process
    const handshakeFirst = transport.handshakesFirst || transport.tls?.handshakeFirst;
    if (occasion !== "accept") return this.parts;
    return handshakeFirst ? this.handshakeFirstParts : this.acceptParts;
  }

  /** The line for one client, CRLF included. */
  line(client: Client, occasion: InfoOccasion): Buffer {
    const payload = client.parser.payloadBytesMax;
    const own: Record<string, unknown> = { max_payload: payload === PAYLOAD_UNLIMITED ? -1 : payload };
    if (this.jetStream) own.jetstream = true;
    own.client_id = client.id;
    const { remoteAddress, awaitsAddress } = client.transport;
    if (remoteAddress !== "" && !awaitsAddress) own.client_ip = remoteAddress;
    if (occasion === "accept" && client.nonce !== "") own.nonce = client.nonce;
    const { head, middle, tail } = this.partsFor(client, occasion);
    const connected = occasion === "connected" ? fields(connectInfo(client)) : "";
    return Buffer.from(`INFO ${head}${fields(own)}${middle}${connected}${tail}} \r\n`);
  }
}

function connectInfo({ account, host }: Client): Record<string, unknown> {
  return { connect_info: true, remote_account: account.name, ...(account === host.systemAccount ? { acc_is_sys: true } : {}) };
}

/** @param tls the TLS fields, in order */
function partsOf(info: ServerInfo, tls: Record<string, true>): InfoParts {
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
  Object.assign(head, tls);
  const middle: Record<string, unknown> = {};
  if (info.cluster !== null) middle.cluster = info.cluster;
  if (info.domain !== "") middle.domain = info.domain;
  if (info.connectUrls.length > 0) middle.connect_urls = info.connectUrls;
  if (info.lameDuck) middle.ldm = true;
  return {
    head: JSON.stringify(head).slice(0, -1),
    middle: fields(middle),
    tail: fields({ api_lvl: API_LEVEL, xkey: info.xkey, bunats: OWN_VERSION }),
  };
}

/** @param required whether TLS is required of this client */
function tlsFields(tls: TlsInfo | null, required: boolean): Record<string, true> {
  if (tls === null) return {};
  return {
    ...(required ? { tls_required: true } : {}),
    ...(tls.verify ? { tls_verify: true } : {}),
    ...(tls.required ? {} : { tls_available: true }),
  };
}

/** A WebSocket connection has TLS from its first byte or not at all. As in the reference, `tls_verify` is the client port's setting. */
function webSocketTlsFields(tls: TlsInfo | null, secure: boolean): Record<string, true> {
  return {
    ...(secure ? { tls_required: true } : {}),
    ...(tls?.verify ? { tls_verify: true } : {}),
    ...(secure ? { tls_available: true } : {}),
  };
}

/** The fields as `,"name":value…`; empty without fields. */
function fields(object: Record<string, unknown>): string {
  const json = JSON.stringify(object);
  return json === "{}" ? "" : `,${json.slice(1, -1)}`;
}
