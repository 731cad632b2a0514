/** Facts about a WebSocket client, taken from its handshake request. */
import { nodeNet } from "../../../base/runtime/late-module.ts";
import { cookiesOf } from "./cookies.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

export interface WebSocketClientInfo {
  /** Client address named by a proxy; empty without one. For logs only, because any client can send that header. */
  readonly forwardedFor: string;
  /** Frames sent to it have at most 4096 bytes. */
  readonly browser: boolean;
  /** It does not understand fragmented compressed messages (Safari). */
  readonly wholeCompressed: boolean;
  /** Compression was negotiated. */
  readonly compression: boolean;
  /** Its frames are masked. */
  readonly masked: boolean;
  readonly cookies: ReadonlyMap<string, string>;
}

/**
 * @param compression whether the listener allows compression
 * @param unmasked whether the listener allows frames without masks
 */
export function clientInfoOf(request: UpgradeRequest, compression: boolean, unmasked: boolean): WebSocketClientInfo {
  const agent = request.values("user-agent")[0] ?? "";
  const browser = agent.startsWith("Mozilla/");
  const compressed = compression && asksForCompression(request);
  return {
    forwardedFor: forwardedFor(request),
    browser,
    // Chrome's user agent contains Safari/ too, but not Version/.
    wholeCompressed: browser && compressed && agent.includes("Version/") && agent.includes("Safari/"),
    compression: compressed,
    masked: !(unmasked && request.values("nats-no-masking")[0] === "true"),
    cookies: cookiesOf(request.values("cookie")),
  };
}

function forwardedFor(request: UpgradeRequest): string {
  const first = request.values("x-forwarded-for")[0] ?? "";
  return nodeNet().isIP(first) !== 0 && !first.includes("%") ? first : "";
}

function asksForCompression(request: UpgradeRequest): boolean {
  return request
    .values("sec-websocket-extensions")
    .flatMap(value => value.split(","))
    .some(extension => extension.split(";").some(part => part.trim().toLowerCase() === "permessage-deflate"));
}
