/**
 * An HTTP port, for monitoring or profiling: Bun's server with the reference's limits where Bun can set them
 * (docs/differences.md): no time limit for an answer or between requests, headers within about 12 s and at most 16 KiB,
 * unless the process was started with a larger limit.
 */
import type { Server } from "bun";
import type { ServeOptions, TlsContext } from "../../wire/transport/tls/tls-context.ts";
import { plainText } from "./endpoint.ts";

export interface HttpListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** null: plain HTTP. */
  readonly tls: TlsContext | null;
  answer(request: Request): Response | Promise<Response>;
  /** One of our handlers threw. */
  onDefect(error: Error): void;
}

export class HttpListener {
  readonly port: number;
  private readonly options: HttpListenerOptions;
  private server: Server<undefined>;
  /** Certificates in use. */
  private shown: string;
  /** Former servers that no longer hold the port; they finish their last requests. */
  private readonly former = new Set<Server<undefined>>();

  /** @throws the system's error when the port cannot be bound */
  constructor(options: HttpListenerOptions) {
    this.options = options;
    this.shown = JSON.stringify(options.tls?.serveOptions());
    this.server = this.serve(options.port, options.tls);
    this.port = this.server.port!;
  }

  /**
   * Bun cannot change a server's certificate, so a new server takes over the port. The old one finishes its requests and
   * closes its connections as they become idle, which HTTP allows at any time.
   */
  updateTls(tls: TlsContext): void {
    const shown = JSON.stringify(tls.serveOptions());
    if (shown === this.shown) return; // a reload of other options closes no connection
    this.shown = shown;
    const before = this.server;
    this.former.add(before);
    void before.stop(false).then(() => this.former.delete(before));
    this.server = this.serve(this.port, tls);
  }

  /** Resolves when it no longer listens and all requests are answered. */
  async stop(): Promise<void> {
    await Promise.all([this.server, ...this.former].map(server => server.stop(true)));
  }

  private serve(port: number, tls: TlsContext | null): Server<undefined> {
    const { host, answer, onDefect } = this.options;
    return Bun.serve({
      hostname: host,
      port,
      ...(tls === null ? {} : { tls: withoutPeers(tls.serveOptions()) as Bun.TLSOptions }),
      development: false,
      reusePort: false, // `development: false` would set it, and a second server on this port would get half of the requests
      idleTimeout: 0, // a client that polls once a minute keeps its connection
      fetch: request => answer(request),
      error: error => {
        onDefect(error);
        return plainText("Internal Server Error\n", 500);
      },
    });
  }
}

/** Monitoring never requests client certificates, even if the client port does. */
function withoutPeers(options: ServeOptions | ServeOptions[]): unknown {
  const plain = ({ ca: _, ...rest }: ServeOptions) => ({ ...rest, requestCert: false, rejectUnauthorized: false });
  return Array.isArray(options) ? options.map(plain) : plain(options);
}

export function notFound(): Response {
  const response = plainText("404 page not found\n", 404);
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

export function redirect(location: string): Response {
  return new Response(null, { status: 307, headers: { Location: location } });
}
