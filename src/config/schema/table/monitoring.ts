/** Options of the HTTP listener for operators. */

import { posix } from "node:path";
import * as given from "../given/shape.ts";
import { integerFlag, portOrDefault, textFlag } from "../row/flag-row.ts";
import { option, type ReloadFacts } from "../row/option-row.ts";
import { ConfigFault } from "../row/problems.ts";
import { integer, reader, textIn } from "../row/reader.ts";

/** 0: no monitoring; -1: any free port. */
export const monitorPort = (given: number) => portOrDefault<number | null>(given, null);

const port = reader("integer", (value, context) => monitorPort(integer.read(value, context)));

/** With one slash at the start and none at the end. */
const basePath = (given: string) =>
  given === ""
    ? "/"
    : posix
        .normalize(`/${given}`)
        .replace(/(.)\/$/, "$1")
        .replace(/^\/\//, "/");

const METRIC_PREFIX = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** Whether the names of metrics may begin with this text. */
export function isMetricPrefix(text: string): boolean {
  return METRIC_PREFIX.test(text);
}

const prefixFault = (prefix: string) => (prefix === "" || isMetricPrefix(prefix) ? null : `invalid metrics prefix: ${prefix}`);

const shownPort = (value: number | null) => String(value ?? 0);

/** The address that monitoring listens on, by HTTP or HTTPS. */
const monitoringHost = ({ httpHost, httpsHost, host }: ReloadFacts) => httpHost ?? httpsHost ?? host;
const monitoringHosts = (before: ReloadFacts, after: ReloadFacts) => [monitoringHost(before), monitoringHost(after)] as const;

export const MONITORING_OPTIONS = {
  httpHost: option<string | null>({
    names: "",
    reader: null,
    given: given.orNull(given.text),
    initial: null,
    text: "address of the monitoring listener; the value of `host` when not set",
    reload: "fixed",
    compared: monitoringHosts,
    goName: "HTTPHost",
  }),
  httpPort: option<number | null>({
    names: "http_port monitor_port",
    reader: port,
    given: given.orNull(given.port),
    initial: null,
    text: "monitoring port; 0: no monitoring; -1: any free port (in the library null and 0)",
    flags: [integerFlag<number | null>("m http_port", "Server", "port", "Use port for http monitoring, -1 for any", monitorPort)],
    reload: "fixed",
    goName: "HTTPPort",
    shown: shownPort,
  }),
  httpBasePath: option<string>({
    names: "http_base_path",
    reader: reader("string", value => basePath(textIn(value))),
    initial: "/",
    text: "path prefix of every monitoring endpoint",
    flags: [textFlag("http_base_path", "Server", "path", "Path before every monitoring endpoint (default: /)", basePath)],
    reload: "fixed",
    goName: "HTTPBasePath",
    shown: path => (path === "/" ? "" : path),
  }),
  httpsHost: option<string | null>({
    names: "",
    reader: null,
    given: given.orNull(given.text),
    initial: null,
    text: "address of the https monitoring listener; the value of `host` when not set",
    reload: "fixed",
    compared: monitoringHosts,
    goName: "HTTPHost",
  }),
  httpsPort: option<number | null>({
    names: "https_port",
    reader: port,
    given: given.orNull(given.port),
    initial: null,
    text: "monitoring port with TLS, which uses the certificate of the `tls` block; not together with http_port",
    flags: [integerFlag<number | null>("ms https_port", "Server", "port", "Use port for https monitoring, -1 for any", monitorPort)],
    reload: "fixed",
    goName: "HTTPSPort",
    shown: shownPort,
  }),
  metricsPrefix: option<string>({
    names: "metrics_prefix",
    reader: reader("string", value => {
      const prefix = textIn(value);
      const fault = prefixFault(prefix);
      if (fault !== null) throw new ConfigFault(fault, value);
      return prefix;
    }),
    initial: "",
    check: prefixFault,
    text: "first part of the names on /metrics, such as `nats`, instead of `gnatsd` and `jetstream`; nats-server has no /metrics",
    reload: "live",
    goName: "MetricsPrefix",
  }),
};
