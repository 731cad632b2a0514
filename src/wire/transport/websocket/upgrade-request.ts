/** A request for a WebSocket connection, parsed by our own code (request-head.ts) or by `Bun.serve`. */

export interface UpgradeRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Empty when the header is missing. */
  readonly host: string;
  /** The request came over TLS. */
  readonly secure: boolean;
  /** All values of a header, named in lower case; empty when it is missing. */
  values(name: string): readonly string[];
}

/** Kind of connection that the path requests. */
export type RequestedKind = "client" | "leaf" | "mqtt";

export function kindOf(request: UpgradeRequest): RequestedKind {
  if (request.path.endsWith("/leafnode")) return "leaf";
  return request.path.endsWith("/mqtt") ? "mqtt" : "client";
}
