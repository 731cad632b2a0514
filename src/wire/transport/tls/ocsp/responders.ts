/** Asks the responders named in a certificate, one after another, until one answers. */
import type { Clock } from "../../../../base/clock/clock.ts";
import type { ChainCertificate } from "./chain-certificate.ts";
import { ocspRequest, requestUrl } from "./ocsp-request.ts";
import { RESPONSE_BYTES_MAX } from "./ocsp-response.ts";
import type { OcspLog } from "./ocsp-rules.ts";

const DEFAULT_TIMEOUT_MS = 2_000;

/** `fetch`, or a test double. */
export type Fetch = (url: string, options: { signal: AbortSignal; keepalive: boolean }) => Promise<Response>;

export class Responders {
  constructor(
    private readonly fetch: Fetch,
    private readonly clock: Clock,
    private readonly log: OcspLog,
  ) {}

  /**
   * @param timeoutMs time limit per responder; 0: the default
   * @returns the first answer, not parsed yet
   * @throws Error with the reason of the last one when none answers
   */
  async ask(certificate: ChainCertificate, issuer: ChainCertificate, timeoutMs: number): Promise<Uint8Array> {
    const request = ocspRequest(certificate, issuer);
    let reason = "no available OCSP servers";
    for (const responder of certificate.responders) {
      this.log.debug(`Trying OCSP responder url [${responder}]`);
      try {
        return await this.get(requestUrl(responder, request), timeoutMs > 0 ? timeoutMs : DEFAULT_TIMEOUT_MS);
      } catch (error) {
        reason = (error as Error).message;
      }
    }
    throw new Error(`exhausted OCSP responders: ${reason}`);
  }

  private async get(url: string, timeoutMs: number): Promise<Uint8Array> {
    const abort = new AbortController();
    const late = Promise.withResolvers<never>();
    const cancel = this.clock.after(timeoutMs, () => {
      late.reject(new Error(`Get "${url}": context deadline exceeded`));
      abort.abort();
    });
    try {
      return await Promise.race([this.exchange(url, abort.signal), late.promise]);
    } finally {
      cancel();
    }
  }

  private async exchange(url: string, signal: AbortSignal): Promise<Uint8Array> {
    let response: Response;
    try {
      response = await this.fetch(url, { signal, keepalive: false });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(`Get "${url}": ${code === "ConnectionRefused" ? "connection refused" : message}`);
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`bad OCSP responder http status: [${response.status}]`);
    }
    return readBounded(response);
  }
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > RESPONSE_BYTES_MAX) throw new Error(`the answer has more than ${RESPONSE_BYTES_MAX} bytes`); // leaving the loop cancels the body
    chunks.push(chunk);
  }
  if (size === 0) throw new Error("the answer is empty");
  return Buffer.concat(chunks);
}
