/**
 * `resolver: URL(…)`: account JWTs by HTTP GET of `<url><account>`. An answer may take 1.9 s in total and must not be longer than the longest
 * token, so an account server that hangs or sends endlessly fails one login only.
 * Source: server/accounts.go, URLAccResolver (behaviour).
 */

import { readFileSync } from "node:fs";
import { TOKEN_BYTES_MAX } from "../../access/jwt/decode.ts";
import { quoted } from "../../base/go/strconv.ts";
import { directFetch } from "../../base/runtime/direct-fetch.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import { LookupError } from "./lookup-error.ts";
import type { Resolver } from "./resolver.ts";

const FETCH_MS = 1_900;

/** TLS options of Bun's `fetch`. */
interface FetchTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

export class UrlResolver implements Resolver {
  readonly kind = "url";
  readonly readOnly = true;
  private readonly tls: FetchTls | null;

  /**
   * @param url ends in a slash
   * @throws Error a file of `tls` cannot be read
   */
  constructor(
    private readonly url: string,
    tls: TlsOptions | null,
  ) {
    this.tls = tls === null ? null : fetchTls(tls);
  }

  /** @param name empty: only checks that the server answers */
  async fetch(name: string): Promise<string> {
    const url = this.url + name;
    const refuse = (reason: string) => new LookupError(`could not fetch <${quoted(redacted(url))}>: ${reason}`);
    let response: Response;
    try {
      response = await directFetch(url, { signal: AbortSignal.timeout(FETCH_MS), ...(this.tls === null ? {} : { tls: this.tls }) });
    } catch (error) {
      throw refuse(`Get ${quoted(redacted(url))}: ${goReason(error as Error, "awaiting headers")}`);
    }
    if (response.status !== 200) {
      void response.body?.cancel().catch(() => {});
      throw refuse(`${response.status} ${response.statusText}`.trim());
    }
    try {
      return await textOf(response);
    } catch (error) {
      throw error instanceof LookupError ? error : new LookupError(goReason(error as Error, "reading body"));
    }
  }

  store(): void {
    throw new LookupError("store operation not supported for URL Resolver");
  }

  reload(): void {}

  stop(): void {}
}

async function textOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    // Leaving the loop cancels the stream.
    if (size > TOKEN_BYTES_MAX) throw new LookupError(`answer exceeds maximum of ${TOKEN_BYTES_MAX} bytes: token too large`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function goReason(error: Error & { code?: string }, during: string): string {
  if (error.name === "TimeoutError") {
    return during === "awaiting headers"
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : "context deadline exceeded (Client.Timeout or context cancellation while reading body)";
  }
  return error.code === "ConnectionRefused" || error.code === "ECONNREFUSED" ? "connect: connection refused" : error.message;
}

function redacted(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/@]*@/i, "$1:xxxxx@");
}

function fetchTls({ caFile, certificates: [pair], insecure }: TlsOptions): FetchTls {
  return {
    ...(caFile === null ? {} : { ca: readFileSync(caFile, "utf8") }),
    ...(pair === undefined ? {} : { cert: readFileSync(pair.certFile, "utf8"), key: readFileSync(pair.keyFile, "utf8") }),
    rejectUnauthorized: !insecure,
  };
}
