/** `/routez`, `/gatewayz`, `/leafz`: connections to other servers. The answers are those of the reference without a cluster. */

import { goTime } from "../../base/go/time.ts";
import { answerHead, countRequest, type Fields, jsonResponse, type MonitorContext } from "./endpoint.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function routez(context: MonitorContext, query: Query): Response {
  query.subscriptions();
  countRequest(context, "/routez");
  return jsonResponse(routezOf(context.server));
}

export function routezOf({ clock, identity, serverName }: MonitoredServer): Fields {
  return { server_id: identity.id, server_name: serverName, now: goTime(clock.now()), num_routes: 0, routes: [] };
}

export function gatewayz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/gatewayz");
  query.subscriptions();
  query.flag("accs");
  return jsonResponse(gatewayzOf(context.server));
}

export function gatewayzOf(server: MonitoredServer): Fields {
  return { ...answerHead(server), outbound_gateways: {}, inbound_gateways: {} };
}

export function leafz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/leafz");
  query.flag("subs");
  return jsonResponse(leafzOf(context.server));
}

export function leafzOf(server: MonitoredServer): Fields {
  return { ...answerHead(server), leafnodes: 0, leafs: [] };
}
