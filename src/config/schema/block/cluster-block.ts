/** `cluster { }`: only the cluster name. Routes are not supported yet. */

import { goTypeOf } from "../../language/config-value.ts";
import { type Field, field, missingField, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { type Reader, reader } from "../row/reader.ts";
import { textOfClusterName } from "./names.ts";

interface Draft {
  name: string | null;
}

const CLUSTERING = "clustering";

export const CLUSTER_FIELDS: readonly Field<Draft>[] = [
  field("name", textOfClusterName, "name of the cluster, shown in INFO and varz", (draft, name) => (draft.name = name)),
  ...[
    "listen",
    "port",
    "host net",
    "authorization",
    "permissions",
    "routes",
    "tls",
    "advertise cluster_advertise",
    "no_advertise",
    "connect_retries",
    "connect_backoff",
    "pool_size",
    "accounts",
    "compression",
    "ping_interval",
    "ping_max",
    "write_deadline",
    "write_timeout",
  ].map(names => missingField(names, CLUSTERING)),
];

export const clusterBlock: Reader<Draft> = reader("block", ({ data }, { problems }) => {
  if (!(data instanceof Map)) throw new ConfigFault(`Expected map to define cluster, got ${goTypeOf(data)}`);
  const draft: Draft = { name: null };
  readBlock(data, CLUSTER_FIELDS, draft, problems);
  return draft;
});
