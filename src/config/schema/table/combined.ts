/** Fields of the file that set several options at once. */
import { AUTHORIZATION_FIELDS, authorizationBlock } from "../block/authorization-block.ts";
import { CLUSTER_FIELDS, clusterBlock } from "../block/cluster-block.ts";
import type { Options } from "../options.ts";
import { type Field, field } from "../row/field.ts";
import { boolean, hostPort } from "../row/reader.ts";
import { monitorPort } from "./monitoring.ts";
import { clientPort } from "./server.ts";

type Draft = { -readonly [K in keyof Options]?: Options[K] };

/** The option whose reload rule holds for the field. */
const sets = (option: keyof Options) => ({ option });

export const COMBINED_FIELDS: readonly Field<Draft>[] = [
  field(
    "listen",
    hostPort,
    "host and port in one",
    (draft, { host, port }) => {
      if (host !== "") draft.host = host;
      draft.port = clientPort(port);
    },
    sets("port"),
  ),
  field(
    "http",
    hostPort,
    "monitoring: port, or host and port",
    (draft, { host, port }) => {
      if (host !== "") draft.httpHost = host;
      draft.httpPort = monitorPort(port);
    },
    sets("httpPort"),
  ),
  field(
    "https",
    hostPort,
    "the same with TLS",
    (draft, { host, port }) => {
      if (host !== "") draft.httpsHost = host;
      draft.httpsPort = monitorPort(port);
    },
    sets("httpsPort"),
  ),
  field(
    "trace_verbose",
    boolean,
    "trace, the system account too",
    (draft, on) => {
      draft.traceVerbose = on;
      if (on) draft.trace = true;
    },
    { ...sets("traceVerbose"), initial: "false" },
  ),
  field(
    "trace_headers",
    boolean,
    "trace, but of messages only their headers",
    (draft, on) => {
      draft.traceHeaders = on;
      if (on) draft.trace = true;
    },
    { ...sets("traceHeaders"), initial: "false" },
  ),
  field(
    "authorization",
    authorizationBlock,
    "who may connect",
    (draft, { authorization, timeoutMs }) => {
      draft.authorization = authorization;
      if (timeoutMs !== 0) draft.authTimeoutMs = timeoutMs;
    },
    { ...sets("authorization"), fields: AUTHORIZATION_FIELDS },
  ),
  field("cluster", clusterBlock, "the cluster it belongs to", (draft, { name }) => (draft.clusterName = name), {
    ...sets("clusterName"),
    fields: CLUSTER_FIELDS,
  }),
];
