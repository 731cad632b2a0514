/**
 * Options in the bodies of requests, by the names of the reference's structures and fields. They appear in the texts of errors:
 *
 *   {"offset":"x"} ─▶ json: cannot unmarshal string into Go struct field ConnzEventOptions.ConnzOptions.offset of type int
 * Source: reference, core §7, §8.3.
 */
import { bytes } from "../../base/go/json-scalars.ts";
import {
  type Decoded,
  duration,
  embedded,
  field,
  flag,
  int,
  list,
  nearestInt,
  type Shape,
  structure,
  text,
  textOf,
  uint64,
} from "../../base/go/json-shape.ts";

const texts = list(text);

// biome-ignore lint/suspicious/noExplicitAny: shapes of any type
type Fields = Readonly<Record<string, Shape<any>>>;
type Values<F> = { readonly [K in keyof F]: Decoded<F[K]> };
type UnionToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;

/** A structure that has no fields of its own, only those of the structures that it embeds. @param parts by their names */
function embedding<P extends Readonly<Record<string, Fields>>>(
  name: string,
  parts: P,
): Shape<UnionToIntersection<{ [K in keyof P]: Values<P[K]> }[keyof P]> & object> {
  const rows = Object.entries(parts).flatMap(([part, fields]) =>
    Object.entries(embedded(part, Object.fromEntries(Object.entries(fields).map(([key, shape]) => [key, field(key, shape)])))),
  );
  return structure(`server.${name}`, Object.fromEntries(rows) as never) as never;
}

/** Selects the servers that answer. */
const EventFilterOptions = {
  server_name: text,
  cluster: text,
  host: text,
  exact_match: flag,
  tags: texts,
  domain: text,
};

export const FILTER = structure("server.EventFilterOptions", EventFilterOptions);
export const STATSZ = embedding("StatszEventOptions", { EventFilterOptions });
export const VARZ = embedding("VarzEventOptions", { EventFilterOptions });
export const ACCOUNT_INFO = embedding("AccInfoEventOptions", { EventFilterOptions });
export const EXPVARZ = embedding("ExpvarzEventOptions", { EventFilterOptions });

export const SUBSZ = embedding("SubszEventOptions", {
  SubszOptions: { offset: int, limit: int, subscriptions: flag, account: text, test: text },
  EventFilterOptions,
});

export const CONNZ = embedding("ConnzEventOptions", {
  ConnzOptions: {
    sort: textOf("server.SortOpt"),
    auth: flag,
    subscriptions: flag,
    subscriptions_detail: flag,
    offset: int,
    limit: int,
    cid: uint64,
    mqtt_client: text,
    state: nearestInt("server.ConnState"),
    user: text,
    acc: text,
    filter_subject: text,
  },
  EventFilterOptions,
});

export const ROUTEZ = embedding("RoutezEventOptions", {
  RoutezOptions: { subscriptions: flag, subscriptions_detail: flag },
  EventFilterOptions,
});

export const GATEWAYZ = embedding("GatewayzEventOptions", {
  GatewayzOptions: { name: text, accounts: flag, account_name: text, subscriptions: flag, subscriptions_detail: flag },
  EventFilterOptions,
});

export const LEAFZ = embedding("LeafzEventOptions", {
  LeafzOptions: { subscriptions: flag, account: text },
  EventFilterOptions,
});

export const ACCOUNTZ = embedding("AccountzEventOptions", { AccountzOptions: { account: text }, EventFilterOptions });

export const ACCOUNT_STATZ = embedding("AccountStatzEventOptions", {
  AccountStatzOptions: { accounts: texts, include_unused: flag },
  EventFilterOptions,
});

export const JSZ = embedding("JszEventOptions", {
  JSzOptions: {
    account: text,
    accounts: flag,
    streams: flag,
    consumer: flag,
    direct_consumer: flag,
    config: flag,
    leader_only: flag,
    offset: int,
    limit: int,
    raft: flag,
    stream_leader_only: flag,
  },
  EventFilterOptions,
});

export const HEALTHZ = embedding("HealthzEventOptions", {
  HealthzOptions: {
    "js-enabled": flag,
    "js-enabled-only": flag,
    "js-server-only": flag,
    "js-meta-only": flag,
    "leaf-remotes-connected": flag,
    account: text,
    stream: text,
    consumer: text,
    details: flag,
  },
  EventFilterOptions,
});

export const PROFILEZ = embedding("ProfilezEventOptions", {
  ProfilezOptions: { name: text, debug: int, duration },
  EventFilterOptions,
});

export const IPQUEUESZ = embedding("IpqueueszEventOptions", {
  EventFilterOptions,
  IpqueueszOptions: { all: flag, filter: text },
});

export const RAFTZ = embedding("RaftzEventOptions", { EventFilterOptions, RaftzOptions: { account: text, group: text } });

export const KICK = structure("server.KickClientReq", { cid: uint64 });
export const LAME_DUCK = structure("server.LDMClientReq", { cid: uint64 });
export const CONNECTIONS = structure("server.accNumConnsReq", { acc: text });
export const SUBSCRIBERS = structure("server.accNumSubsReq", { acc: text, subject: text, queue: bytes });
