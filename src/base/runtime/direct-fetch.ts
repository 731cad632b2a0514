/**
 * `fetch` for the server's own requests (account resolver, OCSP responders). Bun's `fetch` sends requests through the proxy that `HTTP_PROXY`,
 * `HTTPS_PROXY` or `ALL_PROXY` name, also those to this machine; an operator sets these variables for other programs. `proxy: false` means no proxy,
 * also after a redirect.
 */
export function directFetch(url: string, options: BunFetchRequestInit): Promise<Response> {
  const direct: object = { proxy: false }; // missing in Bun's types
  return fetch(url, { ...options, ...direct });
}
