/** `/jsz`: JetStream, and `/raftz`: the groups that agree for it. Both answer as the reference does where it is off. */

import { goTime } from "../../base/go/time.ts";
import { countRequest, type Fields, jsonResponse, type MonitorContext, plainText } from "./endpoint.ts";
import { EndpointError, NotMine } from "./endpoint-error.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function jsz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/jsz");
  for (const name of ["accounts", "streams", "consumers", "direct-consumers", "config"]) query.flag(name);
  for (const name of ["offset", "limit"]) query.integer(name);
  const leaderOnly = query.flag("leader-only");
  for (const name of ["raft", "stream-leader-only"]) query.flag(name);
  return jsonResponse(jszOf(context.server, { leaderOnly }));
}

/** What else may be asked for says how much of JetStream is shown. */
export interface JszOptions {
  /** Only from the leader of the meta group. */
  readonly leaderOnly: boolean;
}

export const NO_JSZ_OPTIONS: JszOptions = { leaderOnly: false };

/** @throws NotMine only a leader was asked */
export function jszOf({ identity }: MonitoredServer, { leaderOnly }: JszOptions): Fields {
  if (leaderOnly) throw new NotMine("filtered response: not leader");
  return {
    memory: 0,
    storage: 0,
    reserved_memory: 0,
    reserved_storage: 0,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: 0, errors: 0 },
    server_id: identity.id,
    now: goTime(Date.now()),
    disabled: true,
    config: { max_memory: 0, max_storage: 0 },
    streams: 0,
    consumers: 0,
    messages: 0,
    bytes: 0,
    total: 0,
  };
}

/** One account's part of it. @throws EndpointError there is none */
export function accountJszOf(): never {
  throw new EndpointError("jetstream not enabled");
}

export function raftz(): Response {
  return plainText("No Raft nodes registered", 404);
}

/** The groups of an account, as services answer it. */
export function raftzOf(): Fields {
  return {};
}
