/** `/healthz`: the server's health. Without JetStream it is healthy when its listeners accept connections. */
import type { HttpAnswer } from "../http/http-answer.ts";
import { countRequest, jsonAnswer, type MonitorContext } from "./endpoint.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

export function healthz(context: MonitorContext, query: Query): HttpAnswer {
  countRequest(context, "/healthz");
  const { log } = context.server;
  if (query.flag("js-enabled")) log.warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
  for (const name of ["js-enabled-only", "js-server-only", "js-meta-only"]) query.flag(name); // without JetStream all of them are satisfied
  query.flag("leaf-remotes-connected"); // there are no leaf remotes yet
  const details = query.flag("details");
  const options = { account: query.text("account"), stream: query.text("stream"), consumer: query.text("consumer"), details };
  const { status_code, ...answer } = healthzOf(context.server, options);
  if (answer.error !== undefined) log.warn(`Healthcheck failed: ${JSON.stringify(answer.error)}`);
  if (answer.errors !== undefined) log.warn(`Healthcheck failed: ${answer.errors.length} errors`);
  return jsonAnswer(answer, 0, status_code);
}

export interface HealthzOptions {
  /** Empty: not checked. */
  readonly account: string;
  readonly stream: string;
  readonly consumer: string;
  /** Reports errors as a list. */
  readonly details: boolean;
}

export interface Health {
  readonly status: string;
  readonly status_code: number;
  readonly error?: string;
  readonly errors?: readonly { readonly type: string; readonly error: string }[];
}

export function healthzOf(server: MonitoredServer, options: HealthzOptions): Health {
  const problem = invalidOption(options) ?? notReady(server);
  if (problem === null) return { status: "ok", status_code: 200 };
  const { type, error, status } = problem;
  return { status: "error", status_code: status, ...(options.details ? { errors: [{ type, error }] } : { error }) };
}

interface Problem {
  readonly type: "BAD_REQUEST" | "CONNECTION";
  readonly error: string;
  readonly status: number;
}

function invalidOption({ account, stream, consumer }: HealthzOptions): Problem | null {
  const missing = (name: string, what: string): Problem => ({
    type: "BAD_REQUEST",
    error: `"${name}" must not be empty when checking ${what} health`,
    status: 400,
  });
  if (account === "" && stream !== "") return missing("account", "stream");
  if (stream === "" && consumer !== "") return missing("stream", "consumer");
  return null;
}

/** Null when all listeners accept connections. */
export function notReady({ missingListeners }: MonitoredServer): Problem | null {
  if (missingListeners.length === 0) return null;
  const error = `failed to be ready for connections after 1ms: ${missingListeners.join(", ")}`;
  return { type: "CONNECTION", error, status: 500 };
}
