/** `/`: an HTML page with links to all endpoints. */
import { NATS_VERSION, OWN_VERSION } from "../../wire/protocol/version.ts";
import { type HttpAnswer, html } from "../http/http-answer.ts";
import { countRequest, type MonitorContext } from "./endpoint.ts";

const LINKS: readonly (readonly [path: string, title: string])[] = [
  ["/varz", "General"],
  ["/jsz", "JetStream"],
  ["/connz", "Connections"],
  ["/accountz", "Accounts"],
  ["/accstatz", "Account Stats"],
  ["/subsz", "Subscriptions"],
  ["/routez", "Routes"],
  ["/leafz", "LeafNodes"],
  ["/gatewayz", "Gateways"],
  ["/raftz", "Raft Groups"],
  ["/healthz", "Health Probe"],
  ["/debug/vars", "Expvar"],
  ["/metrics", "Prometheus"],
];

/** @param basePath prefix of every link, without a trailing slash; links are relative, so that the page works behind a proxy */
export function rootPage(context: MonitorContext, basePath: string): HttpAnswer {
  countRequest(context, "/");
  const links = LINKS.map(([path, title]) => `    <li><a href=".${escapeHtml(basePath)}${path}">${title}</a> <code>${path}</code></li>`);
  return html(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>nats-server ${escapeHtml(context.server.serverName)}</title>
    <style>body { font-family: system-ui, sans-serif; margin: 2rem } code { color: #777 }</style>
  </head>
  <body>
    <h1>nats-server</h1>
    <p>v${NATS_VERSION}, bunats v${OWN_VERSION}</p>
    <ul>
${links.join("\n")}
    </ul>
  </body>
</html>
`);
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
