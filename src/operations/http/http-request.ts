import { type RequestHead, readQuery } from "./request-head.ts";

/** A request as handlers see it. Bodies are not read. */
export class HttpRequest {
  readonly method: string;
  readonly path: string;
  /** The text after `?`. */
  readonly query: string;
  readonly minorVersion: 0 | 1;
  private readonly headers: RequestHead["headers"];
  private aborted: AbortController | null = null;

  /** @param peer address of the requester */
  constructor(
    head: RequestHead,
    readonly peer: string,
  ) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.minorVersion = head.minorVersion;
    this.headers = head.headers;
  }

  /** The first value of a header; empty: it is missing. @param name in lower case */
  header(name: string): string {
    return this.headers.get(name)?.[0] ?? "";
  }

  /** The first value of each parameter. */
  params(): Map<string, string> {
    return readQuery(this.query);
  }

  /** Aborted when the requester has gone. */
  get signal(): AbortSignal {
    this.aborted ??= new AbortController();
    return this.aborted.signal;
  }

  abort(): void {
    this.aborted?.abort();
  }
}
