/** `/routez`, `/gatewayz`, `/leafz`: connections to other servers. The answers are those of the reference without a cluster. */

import { goTime } from "../../base/go/time.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { answerHead, countRequest, type Fields, jsonAnswer, type MonitorContext } from "./endpoint.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function routez(context: MonitorContext, query: Query): HttpAnswer {
  query.subscriptions();
  countRequest(context, "/routez");
  return jsonAnswer(routezOf(context.server));
}

export function routezOf({ clock, identity, serverName }: MonitoredServer): Fields {
  return { server_id: identity.id, server_name: serverName, now: goTime(clock.now()), num_routes: 0, routes: [] };
}

export function gatewayz(context: MonitorContext, query: Query): HttpAnswer {
  countRequest(context, "/gatewayz");
  query.subscriptions();
  query.flag("accs");
  return jsonAnswer(gatewayzOf(context.server));
}

export function gatewayzOf(server: MonitoredServer): Fields {
  return { ...answerHead(server), outbound_gateways: {}, inbound_gateways: {} };
}

export function leafz(context: MonitorContext, query: Query): HttpAnswer {
  countRequest(context, "/leafz");
  query.flag("subs");
  return jsonAnswer(leafzOf(context.server));
}

export function leafzOf(server: MonitoredServer): Fields {
  return { ...answerHead(server), leafnodes: 0, leafs: [] };
}
