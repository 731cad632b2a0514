/**
 * INFO lines. Serialized once per change; what differs per connection is inserted at two places.
 *
 *   head ─ …"jetstream" │ client_id, client_ip, nonce │ middle ─ cluster … ldm │ connect_info, remote_account │ tail ─ api_lvl …
 * The order of fields is the reference's.
 */
import type { Options } from "../../config/schema/options.ts";
import type { Client, InfoOccasion } from "../../connections/client/client.ts";
import { API_LEVEL, NATS_VERSION, OWN_VERSION, PROTOCOL } from "../../wire/protocol/version.ts";

export interface ServerInfo {
  serverId: string;
  serverName: string;
  host: string;
  port: number;
  headers: boolean;
  /** Name of its cluster; null: none. */
  cluster: string | null;
  authRequired: boolean;
  /** Clients without credentials get in (`no_auth_user`): the first INFO does not ask for authentication. */
  admitsAnonymous: boolean;
  tls: TlsInfo | null;
  connectUrls: readonly string[];
  lameDuck: boolean;
  xkey: string;
  /** The listener for WebSocket clients, who are told of it instead of the client port; null: there is none. */
  websocket: WebSocketInfo | null;
}

/** Of the client port. */
export interface TlsInfo {
  /** False: it is available. */
  readonly required: boolean;
  /** Clients must show a certificate. */
  readonly verify: boolean;
}

export interface WebSocketInfo {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly authRequired: boolean;
}

/** A server, as far as INFO tells of it. */
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
  const { allowNonTls, clusterName, headers, noAuthUser, tls } = server.options;
  return {
    serverId: server.identity.id,
    serverName: server.serverName,
    host: server.advertisedHost,
    port: server.advertisedPort,
    headers,
    cluster: clusterName,
    authRequired: server.authRequired,
    admitsAnonymous: noAuthUser !== null,
    tls: tls === null ? null : { required: !allowNonTls, verify: tls.verify },
    connectUrls: [],
    websocket: server.websocket,
    lameDuck: server.announcesLameDuck,
    xkey: server.identity.xkey,
  };
}

/** INFO without what differs per connection. */
interface InfoParts {
  readonly head: string;
  readonly middle: string;
  readonly tail: string;
}

export class InfoLines {
  private parts!: InfoParts;
  /** For clients that have just connected. */
  private acceptParts!: InfoParts;
  /** For clients that began with the TLS handshake, before any INFO. */
  private handshakeFirstParts!: InfoParts;
  private inProcessParts!: InfoParts;
  private websocketParts!: InfoParts;

  constructor(info: ServerInfo) {
    this.update(info);
  }

  update(info: ServerInfo): void {
    const { tls } = info;
    const atAccept = { ...info, authRequired: info.authRequired && !info.admitsAnonymous };
    this.parts = partsOf(info, tlsFields(tls, tls?.required ?? false));
    this.acceptParts = partsOf(atAccept, tlsFields(tls, tls?.required ?? false));
    this.handshakeFirstParts = partsOf(atAccept, tlsFields(tls, true));
    this.inProcessParts = partsOf(atAccept, {});
    this.websocketParts = partsOf(info, {});
    const { websocket } = info;
    if (websocket === null) return;
    // Other servers' listeners come with the cluster; a server alone names none, not even its own.
    const { host, port, secure, authRequired } = websocket;
    this.websocketParts = partsOf(
      { ...info, host, port, authRequired: info.authRequired || authRequired, connectUrls: [] },
      webSocketTlsFields(tls, secure),
    );
  }

  private partsFor({ transport }: Client, occasion: InfoOccasion): InfoParts {
    if (transport.type === "websocket") return this.websocketParts;
    if (transport.inProcess) return this.inProcessParts; // no TLS is to be had there
    const handshakeFirst = transport.handshakesFirst || transport.tls?.handshakeFirst;
    if (occasion !== "accept") return this.parts;
    return handshakeFirst ? this.handshakeFirstParts : this.acceptParts;
  }

  /** The line for one client, CRLF included. */
  line(client: Client, occasion: InfoOccasion): Buffer {
    const own: Record<string, unknown> = { max_payload: client.parser.payloadBytesMax, client_id: client.id };
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

/** @param tls fields that tell of TLS, in their order */
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
  if (info.connectUrls.length > 0) middle.connect_urls = info.connectUrls;
  if (info.lameDuck) middle.ldm = true;
  return {
    head: JSON.stringify(head).slice(0, -1),
    middle: fields(middle),
    tail: fields({ api_lvl: API_LEVEL, xkey: info.xkey, bunats: OWN_VERSION }),
  };
}

/** @param required as this client sees it */
function tlsFields(tls: TlsInfo | null, required: boolean): Record<string, true> {
  if (tls === null) return {};
  return {
    ...(required ? { tls_required: true } : {}),
    ...(tls.verify ? { tls_verify: true } : {}),
    ...(tls.required ? {} : { tls_available: true }),
  };
}

/** There TLS protects the connection from its first byte on, or not at all. The client port's `verify` is told all the same. */
function webSocketTlsFields(tls: TlsInfo | null, secure: boolean): Record<string, true> {
  return {
    ...(secure ? { tls_required: true } : {}),
    ...(tls?.verify ? { tls_verify: true } : {}),
    ...(secure ? { tls_available: true } : {}),
  };
}

/** `,"name":value…`, empty for no fields. */
function fields(object: Record<string, unknown>): string {
  const json = JSON.stringify(object);
  return json === "{}" ? "" : `,${json.slice(1, -1)}`;
}
