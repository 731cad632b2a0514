/** What the services' requests may ask for, by the names of the reference's structures and their keys. Source: reference, core §7, §8.3. */
import { embedding, structure } from "./request-options.ts";

/** Which servers shall answer. */
const EventFilterOptions = {
  server_name: "string",
  cluster: "string",
  host: "string",
  exact_match: "bool",
  tags: "[]string",
  domain: "string",
} as const;

export const FILTER = structure("EventFilterOptions", EventFilterOptions);
export const STATSZ = embedding("StatszEventOptions", { EventFilterOptions });
export const VARZ = embedding("VarzEventOptions", { EventFilterOptions });
export const ACCOUNT_INFO = embedding("AccInfoEventOptions", { EventFilterOptions });
export const EXPVARZ = embedding("ExpvarzEventOptions", { EventFilterOptions });

export const SUBSZ = embedding("SubszEventOptions", {
  SubszOptions: { offset: "int", limit: "int", subscriptions: "bool", account: "string", test: "string" },
  EventFilterOptions,
} as const);

export const CONNZ = embedding("ConnzEventOptions", {
  ConnzOptions: {
    sort: "server.SortOpt",
    auth: "bool",
    subscriptions: "bool",
    subscriptions_detail: "bool",
    offset: "int",
    limit: "int",
    cid: "uint64",
    mqtt_client: "string",
    state: "server.ConnState",
    user: "string",
    acc: "string",
    filter_subject: "string",
  },
  EventFilterOptions,
} as const);

export const ROUTEZ = embedding("RoutezEventOptions", {
  RoutezOptions: { subscriptions: "bool", subscriptions_detail: "bool" },
  EventFilterOptions,
} as const);

export const GATEWAYZ = embedding("GatewayzEventOptions", {
  GatewayzOptions: { name: "string", accounts: "bool", account_name: "string", subscriptions: "bool", subscriptions_detail: "bool" },
  EventFilterOptions,
} as const);

export const LEAFZ = embedding("LeafzEventOptions", {
  LeafzOptions: { subscriptions: "bool", account: "string" },
  EventFilterOptions,
} as const);

export const ACCOUNTZ = embedding("AccountzEventOptions", { AccountzOptions: { account: "string" }, EventFilterOptions } as const);

export const ACCOUNT_STATZ = embedding("AccountStatzEventOptions", {
  AccountStatzOptions: { accounts: "[]string", include_unused: "bool" },
  EventFilterOptions,
} as const);

export const JSZ = embedding("JszEventOptions", {
  JSzOptions: {
    account: "string",
    accounts: "bool",
    streams: "bool",
    consumer: "bool",
    direct_consumer: "bool",
    config: "bool",
    leader_only: "bool",
    offset: "int",
    limit: "int",
    raft: "bool",
    stream_leader_only: "bool",
  },
  EventFilterOptions,
} as const);

export const HEALTHZ = embedding("HealthzEventOptions", {
  HealthzOptions: {
    "js-enabled": "bool",
    "js-enabled-only": "bool",
    "js-server-only": "bool",
    "js-meta-only": "bool",
    account: "string",
    stream: "string",
    consumer: "string",
    details: "bool",
  },
  EventFilterOptions,
} as const);

export const PROFILEZ = embedding("ProfilezEventOptions", {
  ProfilezOptions: { name: "string", debug: "int", duration: "time.Duration" },
  EventFilterOptions,
} as const);

export const IPQUEUESZ = embedding("IpqueueszEventOptions", {
  EventFilterOptions,
  IpqueueszOptions: { all: "bool", filter: "string" },
} as const);

export const RAFTZ = embedding("RaftzEventOptions", { EventFilterOptions, RaftzOptions: { account: "string", group: "string" } } as const);

export const KICK = structure("KickClientReq", { cid: "uint64" } as const);
export const LAME_DUCK = structure("LDMClientReq", { cid: "uint64" } as const);
export const CONNECTIONS = structure("accNumConnsReq", { acc: "string" } as const);
export const SUBSCRIBERS = structure("accNumSubsReq", { acc: "string", subject: "string", queue: "[]uint8" } as const);
