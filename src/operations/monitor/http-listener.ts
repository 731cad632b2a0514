/**
 * A port that answers HTTP: of monitoring, and of profiling. Bun's server, with the reference's limits where Bun has a way to set them
 * (docs/differences.md): no time limit for an answer or between requests, headers within some 12 s and, unless the process asks for
 * more, 16 KiB.
 */
import type { Server } from "bun";
import type { ServeOptions, TlsContext } from "../../wire/transport/tls/tls-context.ts";
import { plainText } from "./endpoint.ts";

export interface HttpListenerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** null: in the clear. */
  readonly tls: TlsContext | null;
  answer(request: Request): Response | Promise<Response>;
  /** A handler of ours threw. */
  onDefect(error: Error): void;
}

export class HttpListener {
  readonly port: number;
  private readonly options: HttpListenerOptions;
  private server: Server<undefined>;
  /** The certificates in use. */
  private shown: string;
  /** Without a port any more, until their last request is answered. */
  private readonly former = new Set<Server<undefined>>();

  /** @throws the system's error when the port cannot be bound */
  constructor(options: HttpListenerOptions) {
    this.options = options;
    this.shown = JSON.stringify(options.tls?.serveOptions());
    this.server = this.serve(options.port, options.tls);
    this.port = this.server.port!;
  }

  /**
   * Bun cannot change the certificate of a server: another one takes over its port. The first goes on with the requests under way and
   * ends its connections as they become idle, which HTTP lets a server do at any time.
   */
  updateTls(tls: TlsContext): void {
    const shown = JSON.stringify(tls.serveOptions());
    if (shown === this.shown) return; // nobody loses a connection over a reload of other things
    this.shown = shown;
    const before = this.server;
    this.former.add(before);
    void before.stop(false).then(() => this.former.delete(before));
    this.server = this.serve(this.port, tls);
  }

  /** Resolves when no request is under way and nothing listens any more. */
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
      reusePort: false, // what `development: false` would make of it: a second server on this port gets half of the requests
      idleTimeout: 0, // whoever polls once a minute keeps its connection
      fetch: request => answer(request),
      error: error => {
        onDefect(error);
        return plainText("Internal Server Error\n", 500);
      },
    });
  }
}

/** Whoever looks at monitoring shows no certificate, also where clients must. */
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
