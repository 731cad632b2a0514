/** The description of a client for services and events. Source: reference, core §8.1. */
import type { ClientInfo } from "../../messaging/batch/originator.ts";
import { KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";
import type { Client } from "./client.ts";
import { issuerKeyOf, shownJwt } from "./connection-record.ts";

const NS_PER_MS = 1e6;

/** @param detailed false: only account and round trip */
export function clientInfo(client: Client, detailed: boolean): ClientInfo {
  const info: ClientInfo = { acc: client.account.name, rtt: Math.round(client.keepalive.roundTripMs * NS_PER_MS) };
  if (!detailed) return info;
  const { connect, host, transport } = client;
  info.start = new Date(client.startedAt).toISOString();
  info.host = transport.remoteAddress;
  info.id = client.id;
  info.name = connect.name;
  info.user = client.user;
  info.lang = connect.lang;
  info.ver = connect.version;
  info.jwt = shownJwt(client);
  info.server = host.serverName;
  info.cluster = host.clusterName;
  info.issuer_key = issuerKeyOf(client);
  info.name_tag = client.nameTag;
  info.tags = client.tags;
  info.kind = KIND_TEXTS[client.kind];
  info.client_type = transport.type;
  return info;
}
