/** `/healthz`: whether the server is well. Without JetStream it is when it answers; what is wrong is then the question. */
import { countRequest, jsonResponse, type MonitorContext } from "./endpoint.ts";
import type { Query } from "./query.ts";

const BAD_REQUEST = 400;

export function healthz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/healthz");
  if (query.flag("js-enabled")) context.server.log.warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
  for (const name of ["js-enabled-only", "js-server-only", "js-meta-only"]) query.flag(name); // without JetStream all of them hold
  const details = query.flag("details");
  const error = wrongWith(query);
  if (error === null) return jsonResponse({ status: "ok" }, 0);
  context.server.log.warn(details ? "Healthcheck failed: 1 errors" : `Healthcheck failed: ${JSON.stringify(error)}`);
  const answer = details ? { status: "error", errors: [{ type: "BAD_REQUEST", error }] } : { status: "error", error };
  return jsonResponse(answer, 0, BAD_REQUEST);
}

function wrongWith(query: Query): string | null {
  if (query.text("account") === "" && query.text("stream") !== "") return '"account" must not be empty when checking stream health';
  if (query.text("stream") === "" && query.text("consumer") !== "") return '"stream" must not be empty when checking consumer health';
  return null;
}
