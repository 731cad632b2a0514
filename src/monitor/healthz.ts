/** `/healthz`: whether the server is well. Without JetStream it is when its listeners accept; else what was asked, or what is missing, is told. */
import { countRequest, jsonResponse, type MonitorContext } from "./endpoint.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function healthz(context: MonitorContext, query: Query): Response {
  countRequest(context, "/healthz");
  const { log } = context.server;
  if (query.flag("js-enabled")) log.warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
  for (const name of ["js-enabled-only", "js-server-only", "js-meta-only"]) query.flag(name); // without JetStream all of them hold
  const details = query.flag("details");
  const problem = wrongWith(query) ?? unready(context.server);
  if (problem === null) return jsonResponse({ status: "ok" }, 0);
  const { type, error, status } = problem;
  log.warn(details ? "Healthcheck failed: 1 errors" : `Healthcheck failed: ${JSON.stringify(error)}`);
  return jsonResponse({ status: "error", ...(details ? { errors: [{ type, error }] } : { error }) }, 0, status);
}

interface Problem {
  readonly type: "BAD_REQUEST" | "CONNECTION";
  readonly error: string;
  readonly status: number;
}

function wrongWith(query: Query): Problem | null {
  const missing = (name: string, what: string): Problem => ({
    type: "BAD_REQUEST",
    error: `"${name}" must not be empty when checking ${what} health`,
    status: 400,
  });
  if (query.text("account") === "" && query.text("stream") !== "") return missing("account", "stream");
  if (query.text("stream") === "" && query.text("consumer") !== "") return missing("stream", "consumer");
  return null;
}

/** Null when everything that should listen does. */
export function unready({ missingListeners }: MonitoredServer): Problem | null {
  if (missingListeners.length === 0) return null;
  const error = `failed to be ready for connections after 1ms: ${missingListeners.join(", ")}`;
  return { type: "CONNECTION", error, status: 500 };
}
