/** Names of servers and clusters. Protocol lines contain them, so they must not contain spaces. */
import { ConfigFault } from "../row/problems.ts";
import { reader, textIn } from "../row/reader.ts";

export const SERVER_NAME_HAS_SPACES = "server name cannot contain spaces";
export const CLUSTER_NAME_HAS_SPACES = "cluster name cannot contain spaces";
/** Means "no cluster" between servers. */
const RESERVED_CLUSTER_NAME = "_";
export const CLUSTER_NAME_RESERVED = "cluster name is reserved";

export const textOfServerName = reader<string | null>("string", value => {
  const name = textIn(value);
  if (name.includes(" ")) throw new ConfigFault(SERVER_NAME_HAS_SPACES);
  return name || null;
});

/** @returns the error; null when the name is valid */
export function clusterNameFault(name: string): string | null {
  if (name.includes(" ")) return CLUSTER_NAME_HAS_SPACES;
  return name === RESERVED_CLUSTER_NAME ? CLUSTER_NAME_RESERVED : null;
}

export const textOfClusterName = reader<string | null>("string", value => {
  const name = textIn(value);
  const fault = clusterNameFault(name);
  if (fault !== null) throw new ConfigFault(fault);
  return name || null;
});
