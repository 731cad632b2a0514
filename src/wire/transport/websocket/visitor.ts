/** What the request of a handshake tells of who comes through this door. */
import { nodeNet } from "../../../base/runtime/late-module.ts";
import { cookiesOf } from "./cookies.ts";
import type { UpgradeRequest } from "./handshake.ts";

export interface WebSocketVisitor {
  /** Whom a proxy says it speaks for; empty when nobody says so. For logs only: anybody can send that header. */
  readonly forwardedFor: string;
  /** Gets frames of at most 4096 bytes. */
  readonly browser: boolean;
  /** Does not understand compressed messages in fragments: Safari. */
  readonly wholeCompressed: boolean;
  /** Compressed messages were agreed upon. */
  readonly compression: boolean;
  /** Its frames have masks. */
  readonly masked: boolean;
  readonly cookies: ReadonlyMap<string, string>;
}

/**
 * @param compression whether compressed messages are possible here
 * @param unmasked whether frames without masks are
 */
export function visitorOf(request: UpgradeRequest, compression: boolean, unmasked: boolean): WebSocketVisitor {
  const agent = request.values("user-agent")[0] ?? "";
  const browser = agent.startsWith("Mozilla/");
  const compressed = compression && asksForCompression(request);
  return {
    forwardedFor: forwardedFor(request),
    browser,
    // Chrome says Safari/ too, but not Version/.
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
