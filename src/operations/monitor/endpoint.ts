/** Request and answer of an endpoint. */
import { isStreamed, jsonPieces } from "../../base/go/json-stream.ts";
import { goJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import type { HttpRequest } from "../http/http-request.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

/** A JSON object of an answer, its keys in the reference's order. */
export type Fields = Record<string, unknown>;

export interface MonitorContext {
  readonly server: MonitoredServer;
}

/** Answers a request, in slices if that can take long. Throws `EndpointError` for a request that it refuses. */
export type Endpoint = (context: MonitorContext, query: Query, request: HttpRequest) => HttpAnswer | Sliced<HttpAnswer>;

export function countRequest({ server }: MonitorContext, path: string): void {
  const { requests } = server.monitoring;
  requests.set(path, (requests.get(path) ?? 0) + 1);
}

/** The first fields of most answers. */
export function answerHead(server: MonitoredServer): Fields {
  return { server_id: server.identity.id, now: goTime(server.clock.now()) };
}

/** Go's `omitempty`: omits empty values. */
export function unlessEmpty(name: string, value: string | number | boolean | null | readonly unknown[]): Fields {
  const empty = value === null || value === "" || value === 0 || value === false || (Array.isArray(value) && value.length === 0);
  return empty ? {} : { [name]: value };
}

const JSON_HEADERS = { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" };

/** @param indent spaces per level; 0: one line */
export function jsonAnswer(value: unknown, indent = 2, status = 200): HttpAnswer {
  return { status, headers: JSON_HEADERS, body: isStreamed(value) ? jsonPieces(value, indent) : goJson(value, indent) };
}

/** The reference's content type for every endpoint, also for answers that are not JSON. */
export function jsonText(text: string, status = 200): HttpAnswer {
  return { status, headers: JSON_HEADERS, body: text };
}

/** `1y2d3h4m5s`, without leading zero units. */
export function uptimeText(ms: number): string {
  const seconds = Math.max(0, Math.trunc(ms / 1000));
  const minutes = Math.trunc(seconds / 60);
  const hours = Math.trunc(minutes / 60);
  const days = Math.trunc(hours / 24);
  const years = Math.trunc(days / 365);
  const parts = [`${years}y`, `${days % 365}d`, `${hours % 24}h`, `${minutes % 60}m`, `${seconds % 60}s`];
  if (years === 0) parts[1] = `${days}d`;
  const first = years > 0 ? 0 : days > 0 ? 1 : hours > 0 ? 2 : minutes > 0 ? 3 : 4;
  return parts.slice(first).join("");
}
