/**
 * Services about this server: the endpoints of monitoring, and the commands of operators.
 *
 *   $SYS.REQ.SERVER.PING.<name>   all servers answer, or those that match the filters in the request
 *   $SYS.REQ.SERVER.<id>.<name>   only this server answers
 *   $SYS.REQ.SERVER.<id>.KICK|LDM|RELOAD   commands, for one server only
 * Source: reference, core §8.3.
 */

import { goDuration } from "../../base/go/duration.ts";
import { decodeJson } from "../../base/go/json-decode.ts";
import { JsonError } from "../../base/go/json-error.ts";
import type { Decoded, Shape } from "../../base/go/json-shape.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { Sender } from "../../services/sender.ts";
import type { ServiceHandler, ServiceRequest } from "../../services/service-request.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { accountzOf } from "../monitor/accountz.ts";
import { connzOf } from "../monitor/connz.ts";
import { ProfileRunning } from "../monitor/cpu-profile.ts";
import { expvarzOf, ipqueueszOf } from "../monitor/diagnostics.ts";
import { EndpointError } from "../monitor/endpoint-error.ts";
import { type HealthzOptions, healthzOf } from "../monitor/healthz.ts";
import { heapProfile } from "../monitor/heap-profile.ts";
import { type JszOptions, jszOf, raftzOf } from "../monitor/jsz.ts";
import { gatewayzOf, leafzOf, routezOf } from "../monitor/other-servers.ts";
import { subszOf } from "../monitor/subsz.ts";
import { varzOf } from "../monitor/varz.ts";
import { type Guard, type Replier, SILENCE } from "./replier.ts";
import * as shapes from "./service-options.ts";
import type { Statsz } from "./statsz.ts";
import type { SystemHost } from "./system-host.ts";

const NS_PER_MS = 1e6;
const PROFILE_NS_MAX = 15e9;

/** The parts that handlers use. */
export interface ServiceParts {
  readonly host: SystemHost;
  readonly sender: Sender;
  readonly replier: Replier;
  readonly statsz: Statsz;
  readonly guard: Guard;
}

/** Services that requests address to all servers or to one, by name. */
export function serverServices(parts: ServiceParts): ReadonlyMap<string, ServiceHandler> {
  const { host, replier } = parts;
  const service =
    <T extends object>(options: Shape<T>, answer: (options: T) => unknown): ServiceHandler =>
    request =>
      replier.reply(request, options, answer);
  return new Map<string, ServiceHandler>([
    ["IDZ", request => answerId(parts, request)],
    ["STATSZ", request => answerStats(parts, request)],
    ["VARZ", service(shapes.VARZ, () => varzOf(host))],
    ["SUBSZ", service(shapes.SUBSZ, ({ subscriptions: lists, ...rest }) => subszOf(host, { ...rest, lists }))],
    ["CONNZ", service(shapes.CONNZ, options => connzOf(host, connzOptions(options)))],
    ["ROUTEZ", service(shapes.ROUTEZ, () => routezOf(host))],
    ["GATEWAYZ", service(shapes.GATEWAYZ, () => gatewayzOf(host))],
    ["LEAFZ", service(shapes.LEAFZ, () => leafzOf(host))],
    ["ACCOUNTZ", service(shapes.ACCOUNTZ, options => accountzOf(host, options))],
    ["JSZ", service(shapes.JSZ, options => jszOf(host, jszOptions(options)))],
    ["HEALTHZ", service(shapes.HEALTHZ, options => healthzOf(host, healthzOptions(options)))],
    ["PROFILEZ", request => replier.reply(request, shapes.PROFILEZ, options => profile(parts, request, options))],
    ["EXPVARZ", service(shapes.EXPVARZ, expvarzOf)],
    ["IPQUEUESZ", service(shapes.IPQUEUESZ, ipqueueszOf)],
    ["RAFTZ", service(shapes.RAFTZ, raftzOf)],
  ]);
}

/** Services that requests address to one server only, by name. */
export function ownServices({ host, replier }: ServiceParts): ReadonlyMap<string, ServiceHandler> {
  return new Map<string, ServiceHandler>([
    ["RELOAD", request => replier.reply(request, shapes.FILTER, () => reload(host), true)],
    ["KICK", request => forClient(host, request, shapes.KICK, cid => replier.reply(request, shapes.FILTER, () => kick(host, cid), true))],
    [
      "LDM",
      request => forClient(host, request, shapes.LAME_DUCK, cid => replier.reply(request, shapes.FILTER, () => lameDuck(host, cid), true)),
    ],
  ]);
}

export function connzOptions({
  sort,
  auth,
  subscriptions,
  subscriptions_detail,
  offset,
  limit,
  cid,
  state,
  user,
  acc,
  mqtt_client,
  filter_subject,
}: Decoded<typeof shapes.CONNZ>): Parameters<typeof connzOf>[1] {
  return {
    sort,
    auth,
    subscriptions: subscriptions_detail ? "detail" : subscriptions ? "list" : "none",
    offset,
    limit,
    cid,
    state,
    user,
    account: acc,
    mqttClient: mqtt_client,
    filterSubject: filter_subject,
  };
}

export function jszOptions({
  account,
  accounts,
  streams,
  consumer: consumers,
  direct_consumer: directConsumers,
  config,
  leader_only: leaderOnly,
  offset,
  limit,
  raft,
  stream_leader_only: streamLeaderOnly,
}: Decoded<typeof shapes.JSZ>): JszOptions {
  return { account, accounts, streams, consumers, directConsumers, config, leaderOnly, offset, limit, raft, streamLeaderOnly };
}

function healthzOptions({ account, stream, consumer, details, ...flags }: Decoded<typeof shapes.HEALTHZ>): HealthzOptions {
  const enabledOnly = flags["js-enabled-only"] || flags["js-enabled"];
  return { account, stream, consumer, details, enabledOnly, serverOnly: flags["js-server-only"] };
}

/** Ignores the body of the request. */
function answerId({ host, sender }: ServiceParts, { reply }: ServiceRequest): void {
  sender.answer(reply, null, compactGoJson({ name: host.serverName, host: host.advertisedHost, id: host.identity.id }));
}

export function answerStats({ replier, statsz }: ServiceParts, request: ServiceRequest): void {
  if (replier.read(request, shapes.STATSZ) === null) return;
  if (request.reply === "") statsz.publishNow();
  else statsz.answer(request.reply);
}

type ProfileOptions = Decoded<typeof shapes.PROFILEZ>;

/** Profiles of the JavaScript runtime: CPU, for a given time, and heap. */
function profile({ host, replier, guard }: ServiceParts, request: ServiceRequest, { name, duration }: ProfileOptions): unknown {
  const refused = (error: string) => ({ profile: null, error });
  switch (name) {
    case "":
      return refused("Profile name not specified");
    case "heap":
      return { profile: Buffer.from(heapProfile(host.secrets())).toString("base64"), error: "" };
    case "cpu": {
      if (duration <= 0 || duration > PROFILE_NS_MAX) return refused(`Duration ${goDuration(duration)} should be between 0s and 15s`);
      const durationMs = Number(duration) / NS_PER_MS;
      const answer = (data: object) => guard(request, () => replier.succeed(request, data));
      const { promise, resolve } = Promise.withResolvers<void>();
      host.clock.after(durationMs, resolve);
      host.cpuProfiler.record(promise).then(
        text => answer({ profile: Buffer.from(text).toString("base64"), error: "" }),
        (error: Error) => {
          const reason = error instanceof ProfileRunning ? "cpu profiling already in use" : error.message;
          answer(refused(`Failed to start CPU profile: ${reason}`));
        },
      );
      return SILENCE; // the profile is sent when it is complete
    }
    default:
      return refused(`Profile ${quoted(name)} not found`);
  }
}

function reload(host: SystemHost): void {
  try {
    host.reload();
  } catch (error) {
    throw new EndpointError((error as Error).message);
  }
}

/** Reads the client id from the request. An invalid request gets no answer. */
function forClient(
  host: SystemHost,
  request: ServiceRequest,
  options: Shape<{ readonly cid: number | bigint }>,
  go: (cid: number) => void,
): void {
  let cid: number;
  try {
    cid = Number(decodeJson(options, request.body).cid); // no client has an id beyond 2^53
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return host.log.error(`SYSTEM - Error unmarshalling kick client request: ${error.message}`);
  }
  go(cid);
}

function kick({ connections }: SystemHost, cid: number): void {
  const client = connections.get(cid);
  if (client === undefined) throw new EndpointError("no such client or leafnode id");
  client.close(CloseReason.Kicked);
}

function lameDuck(host: SystemHost, cid: number): void {
  const client = host.connections.get(cid);
  if (client === undefined) throw new EndpointError("no such client id");
  if (!client.takesAsyncInfo) {
    throw new EndpointError("client does not support Lame Duck Mode or is not ready to receive the notification");
  }
  client.logDebug("Sending Lame Duck Mode info to client");
  host.announceLameDuckTo(client);
}
