/**
 * Monitoring over HTTP or HTTPS, on its own port.
 *
 *   request ─▶ base path ─▶ endpoint ─▶ answer, computed from counters that the server always keeps
 * Nothing is sampled between requests, so unused monitoring costs nothing. Bun serves it on the event
 * loop that moves messages: an answer is one synchronous computation, bounded by the requested page.
 */
import { posix } from "node:path";
import type { TlsContext } from "../../wire/transport/tls/tls-context.ts";
import { accountz, accstatz } from "./accountz.ts";
import { connz } from "./connz.ts";
import { debugVars, ipqueuesz, stacksz } from "./diagnostics.ts";
import { type Endpoint, type MonitorContext, plainText } from "./endpoint.ts";
import { EndpointError } from "./endpoint-error.ts";
import { healthz } from "./healthz.ts";
import { HttpListener, notFound, redirect } from "./http-listener.ts";
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
  constructor(server: MonitoredServer, host: string, bindHost: string, port: number, tls: TlsContext | null = null) {
    this.host = host;
    this.secure = tls !== null;
    this.basePath = normalBasePath(server.options.httpBasePath);
    this.endpoints = new Map(Object.entries(ENDPOINTS).map(([path, endpoint]) => [posix.join(this.basePath, path), endpoint]));
    this.listener = new HttpListener({
      host: bindHost,
      port,
      tls,
      answer: request => this.answer(request),
      onDefect: error => server.log.error(`monitoring: ${error.stack ?? error.message}`),
    });
    this.port = this.listener.port;
    this.context = { server };
  }

  /** Uses another certificate for new connections; running requests are answered. Only for a monitor created with TLS. */
  updateTls(tls: TlsContext): void {
    this.listener.updateTls(tls);
  }

  /** Resolves when it no longer listens and all requests are answered. */
  stop(): Promise<void> {
    return this.listener.stop();
  }

  private answer(request: Request): Response {
    const { pathname, searchParams, search } = new URL(request.url);
    if (pathname.includes("//")) return redirect(`${posix.normalize(pathname)}${search}`);
    const path = decodePath(pathname);
    if (path === this.basePath) return rootPage(this.context, this.basePath === "/" ? "" : this.basePath);
    const endpoint = this.endpoints.get(path);
    if (endpoint === undefined) return notFound();
    try {
      return endpoint(this.context, new Query(searchParams), request.headers);
    } catch (error) {
      if (error instanceof EndpointError) return plainText(error.message, 400);
      throw error;
    }
  }
}

/** Normalises the base path: a leading slash, no trailing one. */
function normalBasePath(path: string): string {
  const clean = posix.normalize(path.startsWith("/") ? path : `/${path}`);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
