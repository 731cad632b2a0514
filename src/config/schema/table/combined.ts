/** Fields of the file that set several options at once. */
import { AUTHORIZATION_FIELDS, authorizationBlock } from "../block/authorization-block.ts";
import { CLUSTER_FIELDS, clusterBlock } from "../block/cluster-block.ts";
import { JETSTREAM_PART_FIELDS } from "../block/jetstream-block.ts";
import type { Options } from "../options.ts";
import { type Field, field } from "../row/field.ts";
import { boolean, hostPort } from "../row/reader.ts";
import { monitorPort } from "./monitoring.ts";
import { clientPort } from "./server.ts";

type Draft = { -readonly [K in keyof Options]?: Options[K] };

/** The option whose reload rule applies to the field. */
const sets = (option: keyof Options) => ({ option });

export const COMBINED_FIELDS: readonly Field<Draft>[] = [
  field(
    "listen",
    hostPort,
    "host and port together",
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
    "monitoring with TLS: port, or host and port",
    (draft, { host, port }) => {
      if (host !== "") draft.httpsHost = host;
      draft.httpsPort = monitorPort(port);
    },
    sets("httpsPort"),
  ),
  field(
    "trace_verbose",
    boolean,
    "trace, including the system account",
    (draft, on) => {
      draft.traceVerbose = on;
      if (on) draft.trace = true;
    },
    { ...sets("traceVerbose"), initial: "false" },
  ),
  field(
    "trace_headers",
    boolean,
    "trace, with only the headers of messages",
    (draft, on) => {
      draft.traceHeaders = on;
      if (on) draft.trace = true;
    },
    { ...sets("traceHeaders"), initial: "false" },
  ),
  field(
    "authorization",
    authorizationBlock,
    "users, passwords and tokens",
    (draft, { authorization, timeoutMs }) => {
      draft.authorization = authorization;
      if (timeoutMs !== 0) draft.authTimeoutMs = timeoutMs;
    },
    { ...sets("authorization"), fields: AUTHORIZATION_FIELDS },
  ),
  field("cluster", clusterBlock, "the cluster of this server", (draft, { name }) => (draft.clusterName = name), {
    ...sets("clusterName"),
    fields: CLUSTER_FIELDS,
  }),
  ...JETSTREAM_PART_FIELDS,
];
