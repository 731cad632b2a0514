/** What an endpoint is given, and what it answers. */
import { goJson } from "./go-json.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Query } from "./query.ts";

export interface MonitorContext {
  readonly server: MonitoredServer;
  readonly usage: ProcessUsage;
  /** Where monitoring itself listens. */
  readonly host: string;
  readonly port: number;
  /** Requests by endpoint. Each endpoint counts its own, when the reference does. */
  readonly requests: Map<string, number>;
}

/** Answers a request. Throws `QueryError` for what it cannot read or do. */
export type Endpoint = (context: MonitorContext, query: Query) => Response;

export function countRequest({ requests }: MonitorContext, path: string): void {
  requests.set(path, (requests.get(path) ?? 0) + 1);
}

const JSON_HEADERS = { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" };

/** @param indent spaces per level; 0: one line */
export function jsonResponse(value: unknown, indent = 2, status = 200): Response {
  return new Response(goJson(value, indent), { status, headers: JSON_HEADERS });
}
