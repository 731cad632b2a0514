/**
 * Monitoring over HTTP or HTTPS, on its own port.
 *
 *   request ─▶ base path ─▶ endpoint ─▶ answer, computed from counters that the server always keeps
 * Nothing is sampled between requests, so unused monitoring costs nothing. It shares the event loop with the messages: an answer that can
 * be long is computed, sorted and written in slices (base/scheduling/).
 */
import { posix } from "node:path";
import { isSliced, type Sliced } from "../../base/scheduling/sliced.ts";
import type { Descriptors } from "../../wire/transport/descriptors.ts";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import { type Answering, type HttpAnswer, notFound, plainText, redirect } from "../http/http-answer.ts";
import { HttpListener } from "../http/http-listener.ts";
import type { HttpRequest } from "../http/http-request.ts";
import { accountz, accstatz } from "./accountz.ts";
import { connz } from "./connz.ts";
import { debugVars, ipqueuesz, stacksz } from "./diagnostics.ts";
import type { Endpoint, MonitorContext } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import { healthz } from "./healthz.ts";
import { jsz, raftz } from "./jsz.ts";
import { metrics } from "./metrics.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { gatewayz, leafz, routez } from "./other-servers.ts";
import { Query } from "./query.ts";
import { rootPage } from "./root-page.ts";
import { subsz } from "./subsz.ts";
import { varz } from "./varz.ts";

const ENDPOINTS: Record<string, Endpoint> = {
  "/varz": varz,
  "/connz": connz,
  "/routez": routez,
  "/gatewayz": gatewayz,
  "/leafz": leafz,
  "/subsz": subsz,
  "/subscriptionsz": subsz,
  "/accountz": accountz,
  "/accstatz": accstatz,
  "/jsz": jsz,
  "/healthz": healthz,
  "/ipqueuesz": ipqueuesz,
  "/raftz": raftz,
  "/stacksz": stacksz,
  "/debug/vars": debugVars,
  "/metrics": metrics,
};

export class Monitor {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  private readonly context: MonitorContext;
  private readonly basePath: string;
  private readonly endpoints: ReadonlyMap<string, Endpoint>;
  private readonly listener: HttpListener;

  /**
   * Starts listening.
   * @param host host as configured, shown in /varz; `bindHost` is the address to bind
   * @param tls null: plain HTTP
   * @throws the system's error when the port cannot be bound
   */
  constructor(
    server: MonitoredServer & { readonly descriptors: Descriptors },
    host: string,
    bindHost: string,
    port: number,
    tls: TlsContext | null = null,
  ) {
    this.host = host;
    this.secure = tls !== null;
    this.basePath = normalBasePath(server.options.httpBasePath);
    this.endpoints = new Map(Object.entries(ENDPOINTS).map(([path, endpoint]) => [posix.join(this.basePath, path), endpoint]));
    this.listener = new HttpListener({
      host: bindHost,
      port,
      tls,
      clock: server.clock,
      scheduler: server.monitoring.scheduler,
      longAnswers: server.monitoring.longAnswers,
      descriptors: server.descriptors,
      answer: request => this.answer(request),
      onDefect: error => server.log.error(`monitoring: ${error.stack ?? error.message}`),
      onHandshakeFailed: (peer, text) => server.log.error(`monitoring: TLS handshake error from ${peer}: ${text}`),
      onRefused: () => server.log.warnRateLimited("monitoring: connections refused: too many open files"),
    });
    this.port = this.listener.port;
    this.context = { server };
  }

  /** Uses another certificate for new connections. Only for a monitor created with TLS. */
  updateTls(tls: TlsContext): void {
    this.listener.updateTls(tls);
  }

  /** Stops listening and ends all connections. */
  stop(): void {
    this.listener.stop();
  }

  private answer(request: HttpRequest): Answering {
    const { path, query } = request;
    if (path === "*") return { status: 200, headers: {}, body: "" };
    const clean = posix.normalize(path);
    if (clean !== path) return redirect(query === "" ? encodeURI(clean) : `${encodeURI(clean)}?${query}`);
    if (path === this.basePath) return rootPage(this.context, this.basePath === "/" ? "" : this.basePath);
    const endpoint = this.endpoints.get(path);
    if (endpoint === undefined) return notFound();
    try {
      const answer = endpoint(this.context, new Query(request.params()), request);
      return isSliced(answer) ? refusing(answer) : answer;
    } catch (error) {
      return refusal(error);
    }
  }
}

/** An answer in slices that may be refused meanwhile. */
function* refusing(answer: Sliced<HttpAnswer>): Sliced<HttpAnswer> {
  try {
    return yield* answer;
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): HttpAnswer {
  if (error instanceof EndpointError) return plainText(error.message, 400);
  throw error;
}

/** Normalises the base path: a leading slash, no trailing one. */
function normalBasePath(path: string): string {
  const clean = posix.normalize(path.startsWith("/") ? path : `/${path}`);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}
