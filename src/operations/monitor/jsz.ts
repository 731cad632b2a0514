/** `/jsz` (JetStream) and `/raftz` (its RAFT groups). Both answer like the reference with JetStream disabled. */

import { goTime } from "../../base/go/time.ts";
import { type HttpAnswer, plainText } from "../http/http-answer.ts";
import { countRequest, type Fields, jsonAnswer, type MonitorContext } from "./endpoint.ts";
import { EndpointError, NotAddressed } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function jsz(context: MonitorContext, query: Query): HttpAnswer {
  countRequest(context, "/jsz");
  for (const name of ["accounts", "streams", "consumers", "direct-consumers", "config"]) query.flag(name);
  for (const name of ["offset", "limit"]) query.integer(name);
  const leaderOnly = query.flag("leader-only");
  for (const name of ["raft", "stream-leader-only"]) query.flag(name);
  return jsonAnswer(jszOf(context.server, { leaderOnly }));
}

/** The other options select details of JetStream. */
export interface JszOptions {
  /** Only the leader of the meta group should answer. */
  readonly leaderOnly: boolean;
}

export const NO_JSZ_OPTIONS: JszOptions = { leaderOnly: false };

/** @throws NotAddressed the request is for the leader only */
export function jszOf({ clock, identity }: MonitoredServer, { leaderOnly }: JszOptions): Fields {
  if (leaderOnly) throw new NotAddressed("filtered response: not leader");
  return {
    memory: 0,
    storage: 0,
    reserved_memory: 0,
    reserved_storage: 0,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: 0, errors: 0 },
    server_id: identity.id,
    now: goTime(clock.now()),
    disabled: true,
    config: { max_memory: 0, max_storage: 0 },
    streams: 0,
    consumers: 0,
    messages: 0,
    bytes: 0,
    total: 0,
  };
}

/** The part about one account. @throws EndpointError the account has no JetStream */
export function accountJszOf(): never {
  throw new EndpointError("jetstream not enabled");
}

export function raftz(): HttpAnswer {
  return plainText("No Raft nodes registered", 404);
}

/** The groups of an account, for the system service. */
export function raftzOf(): Fields {
  return {};
}
