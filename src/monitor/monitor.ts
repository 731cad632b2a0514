/**
 * Monitoring over HTTP, on a port of its own.
 *
 *   request ─▶ base path ─▶ endpoint ─▶ answer, computed now from what the server counts anyway
 * Nothing is sampled or kept between requests but counters, so monitoring that nobody asks costs nothing. Bun serves it on the event
 * loop that moves messages: an answer is one synchronous computation, as short as the page that was asked for.
 */
import { posix } from "node:path";
import { connz } from "./connz.ts";
import type { Endpoint, MonitorContext } from "./endpoint.ts";
import { healthz } from "./healthz.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { ProcessUsage } from "./process-usage.ts";
import { Query, QueryError } from "./query.ts";
import { rootPage } from "./root-page.ts";
import { subsz } from "./subsz.ts";
import { varz } from "./varz.ts";

const ENDPOINTS: Record<string, Endpoint> = {
  "/varz": varz,
  "/connz": connz,
  "/subsz": subsz,
  "/subscriptionsz": subsz,
  "/healthz": healthz,
};

export class Monitor {
  readonly host: string;
  readonly port: number;
  private readonly context: MonitorContext;
  private readonly basePath: string;
  private readonly endpoints: ReadonlyMap<string, Endpoint>;
  private readonly listener: Bun.Server<undefined>;

  /**
   * Starts listening.
   * @param host as configured, shown in /varz; `bindHost` is what it means
   * @throws the system's error when the port cannot be bound
   */
  constructor(server: MonitoredServer, host: string, bindHost: string, port: number) {
    this.host = host;
    this.basePath = normalBasePath(server.options.httpBasePath);
    this.endpoints = new Map(Object.entries(ENDPOINTS).map(([path, endpoint]) => [posix.join(this.basePath, path), endpoint]));
    this.listener = Bun.serve({
      hostname: bindHost,
      port,
      development: false,
      reusePort: false, // what `development: false` would make of it: a second server on this port gets half of the requests
      fetch: request => this.answer(request),
      error: error => {
        server.log.error(`monitoring: ${error.stack ?? error.message}`);
        return plainText("Internal Server Error\n", 500);
      },
    });
    this.port = this.listener.port!;
    this.context = { server, usage: new ProcessUsage(), host, port: this.port, requests: new Map() };
  }

  /** Resolves when no request is under way and nothing listens any more. */
  async stop(): Promise<void> {
    await this.listener.stop(true);
  }

  private answer(request: Request): Response {
    const { pathname, searchParams, search } = new URL(request.url);
    if (pathname.includes("//")) return redirect(`${posix.normalize(pathname)}${search}`);
    const path = decodePath(pathname);
    if (path === this.basePath) return rootPage(this.context, this.basePath === "/" ? "" : this.basePath);
    const endpoint = this.endpoints.get(path);
    if (endpoint === undefined) return notFound();
    try {
      return endpoint(this.context, new Query(searchParams));
    } catch (error) {
      if (error instanceof QueryError) return plainText(error.message, 400);
      throw error;
    }
  }
}

/** Begins with a slash and ends with none. */
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

function plainText(text: string, status: number): Response {
  return new Response(text, { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}

function notFound(): Response {
  const response = plainText("404 page not found\n", 404);
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

function redirect(location: string): Response {
  return new Response(null, { status: 307, headers: { Location: location } });
}
