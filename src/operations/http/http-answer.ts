/** Answers to HTTP requests. */
import type { Sliced } from "../../base/scheduling/sliced.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whole, or in pieces that are produced while it is sent. An empty piece is a pause. */
  readonly body: string | Uint8Array | Iterator<string, void>;
}

/** An answer at once, one that is computed in slices, or one that waits for something else. */
export type Answering = HttpAnswer | Sliced<HttpAnswer> | Promise<HttpAnswer>;

export const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  307: "Temporary Redirect",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export function plainText(text: string, status: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers }, body: text };
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", '"': "&#34;", "'": "&#39;", "<": "&lt;", ">": "&gt;" };

/** Go's `http.Error`. */
export function errorText(text: string, status: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return plainText(`${text}\n`, status, { "X-Content-Type-Options": "nosniff", ...headers });
}

export function notFound(): HttpAnswer {
  return errorText("404 page not found", 404);
}

export function redirect(location: string): HttpAnswer {
  const body = `<a href="${location.replace(/[&"'<>]/g, character => ESCAPES[character])}">Temporary Redirect</a>.\n\n`;
  return { status: 307, headers: { "Content-Type": "text/html; charset=utf-8", Location: location }, body };
}

export function html(text: string, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status: 200, headers: { "Content-Type": "text/html; charset=utf-8", ...headers }, body: text };
}
