/** The fields of events that describe a client. Source: reference, core §8.1. */

import { goTime } from "../../base/go/time.ts";
import { issuerKeyOf, type RecordedClient, shownJwt } from "../../connections/client/connection-record.ts";
import { presentClientInfo } from "../../messaging/batch/originator.ts";
import { KIND_TEXTS } from "../../wire/protocol/connection-kind.ts";

const NS_PER_MS = 1e6;
const NS_PER_MICROSECOND = 1e3;

/** @param stoppedAt wall clock, ms; 0: it is connected */
export function eventClient(client: RecordedClient, stoppedAt: number): Readonly<Record<string, unknown>> {
  const { account, connect, id, kind, keepalive, startedAt, transport, user } = client;
  return presentClientInfo({
    start: goTime(startedAt),
    host: transport.remoteAddress,
    id,
    acc: account.name,
    user,
    name: connect.name,
    lang: connect.lang,
    ver: connect.version,
    ...(stoppedAt === 0 ? {} : { rtt: roundTripNs(keepalive.roundTripMs), stop: goTime(stoppedAt) }),
    jwt: shownJwt(client),
    issuer_key: issuerKeyOf(client),
    tags: client.tags,
    name_tag: account.nameTag,
    kind: KIND_TEXTS[kind],
    client_type: transport.type,
  });
}

/** Below a millisecond, nanoseconds are cut to whole microseconds, as in the reference. */
function roundTripNs(ms: number): number {
  const ns = Math.round(ms * NS_PER_MS);
  return ns > NS_PER_MICROSECOND && ns < NS_PER_MS ? Math.trunc(ns / NS_PER_MICROSECOND) * NS_PER_MICROSECOND : ns;
}
