/** Options of the server itself: listeners, names, the files it writes, lame duck mode. */

import { goDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { goTypeOf } from "../../language/config-value.ts";
import { clusterNameFault, SERVER_NAME_HAS_SPACES, textOfServerName } from "../block/names.ts";
import { type UnixListener, unixListenerBlock, unixListenerShape } from "../block/unix-listener-block.ts";
import * as given from "../given/shape.ts";
import { integerFlag, portOrDefault, textFlag, textOrNull } from "../row/flag-row.ts";
import { option } from "../row/option-row.ts";
import { ConfigFault } from "../row/problems.ts";
import { boolean, booleanIn, durationAtLeast, integer, mapOf, reader, textIn, textOrUnset } from "../row/reader.ts";

const SECOND_NS = 1_000_000_000n;
const DEFAULT_PORT = 4222;

/** 0: the default; -1: any free port. */
export const clientPort = (given: number) => portOrDefault(given, DEFAULT_PORT);

const ms = (value: number) => goDuration(value * 1e6);

const tags = reader<readonly string[]>("string or list of strings", ({ data }) => {
  if (typeof data !== "string" && !Array.isArray(data)) throw new ConfigFault(`error parsing tags: unsupported type ${goTypeOf(data)}`);
  const given = typeof data === "string" ? [data] : data.map(({ data: tag }) => tag);
  const read = new Set<string>();
  for (const tag of given) {
    if (typeof tag !== "string") throw new ConfigFault("error parsing tags: unsupported type *conf.token where string is expected");
    read.add(tag.trim().toLowerCase());
  }
  read.delete("");
  return [...read];
});

/** The feature flags, with their defaults. All of them belong to JetStream. */
export const FEATURE_FLAGS: Readonly<Record<string, boolean>> = {
  js_ack_fc_v2: false,
  js_api_reply_v2: false,
  js_raft_delete_range: true,
  js_snapshot_sources: false,
};

/** Every feature flag, with the configured values in place of the defaults. */
export function mergedFeatureFlags(given: Readonly<Record<string, boolean>>): Record<string, boolean> {
  return Object.fromEntries(Object.entries(FEATURE_FLAGS).map(([name, initial]) => [name, given[name] ?? initial]));
}

export const SERVER_OPTIONS = {
  host: option<string>({
    names: "host net",
    reader: reader("string", value => textIn(value) || "0.0.0.0"),
    initial: "0.0.0.0",
    text: "address of the client listener; 0.0.0.0: all addresses, including IPv6",
    flags: [textFlag("a addr net", "Server", "host", "Bind to host address (default: 0.0.0.0)", given => given || "0.0.0.0")],
    reload: "fixed",
    goName: "Host",
  }),
  port: option<number>({
    names: "port",
    reader: reader("integer", (value, context) => clientPort(integer.read(value, context))),
    given: given.port,
    initial: DEFAULT_PORT,
    text: "client port; -1: any free port (in the library 0)",
    flags: [integerFlag("p port", "Server", "port", "Use port for clients, -1 for any (default: 4222)", clientPort)],
    reload: "fixed",
    goName: "Port",
  }),
  listenUnix: option<UnixListener | null>({
    names: "listen_unix",
    reader: unixListenerBlock,
    given: unixListenerShape,
    initial: null,
    text: "Unix domain socket for clients, in addition to the port; mode in octal, 0770 by default; not in nats-server",
    reload: "fixed",
    goName: "ListenUnix",
    shown: listener => (listener === null ? "" : `{${listener.path} 0${listener.mode.toString(8)}}`),
  }),
  clientAdvertise: option<string | null>({
    names: "client_advertise",
    reader: textOrUnset,
    given: given.orNull(given.text),
    initial: null,
    text: "host[:port] for clients in INFO",
    flags: [textFlag("client_advertise", "Server", "string", "Client URL to advertise to other servers", textOrNull)],
    reload: "live",
    goName: "ClientAdvertise",
  }),
  serverName: option<string | null>({
    names: "server_name",
    reader: textOfServerName,
    given: given.orNull(given.text),
    initial: null,
    check: name => (name?.includes(" ") ? SERVER_NAME_HAS_SPACES : null),
    text: "name of the server; the server id when not set",
    flags: [textFlag("n name server_name", "Server", "server_name", "Server name (default: auto)", textOrNull)],
    reload: "fixed",
    goName: "ServerName",
  }),
  serverTags: option<readonly string[]>({
    names: "server_tags",
    reader: tags,
    given: given.listOf(given.text),
    initial: [],
    text: "tags of the server, in lower case",
    reload: "live",
    goName: "Tags",
  }),
  serverMetadata: option<Readonly<Record<string, string>>>({
    names: "server_metadata",
    reader: mapOf("map of strings", goType => `error parsing metadata: unsupported type ${goType}`, textIn),
    given: given.mapOf(given.text),
    initial: {},
    text: "names and values of the server, shown in varz",
    reload: "live",
    goName: "Metadata",
  }),
  featureFlags: option<Readonly<Record<string, boolean>>>({
    names: "feature_flags",
    reader: mapOf(
      "map of booleans",
      goType => `error parsing feature flags: unsupported type ${goType}`,
      (value, name) => {
        if (typeof value.data === "boolean") return booleanIn(value);
        throw new ConfigFault(`error parsing feature flag ${quoted(name)}: expected bool, got ${goTypeOf(value.data)}`);
      },
    ),
    given: given.mapOf(given.boolean),
    initial: {},
    text: "features to switch on or off",
    reload: "fixed",
    goName: "FeatureFlags",
  }),
  pidFile: option<string | null>({
    names: "pid_file pidfile",
    reader: textOrUnset,
    given: given.orNull(given.text),
    initial: null,
    text: "file for the process id",
    flags: [textFlag("P pid", "Server", "file", "File to store PID", textOrNull)],
    reload: "live",
    goName: "PidFile",
  }),
  portsFileDirectory: option<string | null>({
    names: "ports_file_dir",
    reader: textOrUnset,
    given: given.orNull(given.text),
    initial: null,
    text: "directory for the file <program>_<pid>.ports with the listening addresses",
    flags: [
      textFlag(
        "ports_file_dir",
        "Server",
        "dir",
        "Creates a ports file in the specified directory (<executable_name>_<pid>.ports).",
        textOrNull,
      ),
    ],
    reload: "live",
    goName: "PortsFileDir",
  }),
  lameDuckDurationMs: option<number>({
    names: "lame_duck_duration",
    reader: durationAtLeast(30n * SECOND_NS, (name, given) => `invalid ${name} of ${given}, minimum is 30 seconds`),
    given: given.natural,
    initial: 120_000,
    zeroIsDefault: true,
    initialText: "2m",
    text: "time within which lame duck mode closes all clients",
    reload: "fixed",
    goName: "LameDuckDuration",
    shown: ms,
  }),
  lameDuckGraceMs: option<number>({
    names: "lame_duck_grace_period",
    reader: durationAtLeast(0n, name => `invalid ${name}, needs to be positive`),
    given: given.natural,
    initial: 10_000,
    zeroIsDefault: true,
    initialText: "10s",
    text: "time before lame duck mode closes the first client; shorter than the duration",
    reload: "fixed",
    goName: "LameDuckGracePeriod",
    shown: ms,
  }),
  clusterName: option<string | null>({
    names: "",
    reader: null,
    given: given.orNull(given.text),
    initial: null,
    check: name => clusterNameFault(name ?? ""),
    text: "name of the cluster, shown in INFO and varz",
    reload: "live",
    goName: "Cluster",
  }),
  defaultJsDomain: option<Readonly<Record<string, string>>>({
    names: "default_js_domain",
    reader: mapOf("map of strings", goType => `error default_js_domain config: unsupported type ${goType}`, textIn),
    given: given.mapOf(given.text),
    initial: {},
    text: "map of accounts to JetStream domains; no effect, as clusters are not supported yet",
    reload: "fixed",
    goName: "JsAccDefaultDomain",
  }),
  connectErrorReports: option<number>({
    names: "connect_error_reports",
    reader: integer,
    given: given.integer,
    initial: 3_600,
    zeroIsDefault: true,
    text: "failed attempts to connect to another server between two log lines",
    reload: "live",
    goName: "ConnectErrorReports",
  }),
  reconnectErrorReports: option<number>({
    names: "reconnect_error_reports",
    reader: integer,
    given: given.integer,
    initial: 1,
    zeroIsDefault: true,
    text: "failed attempts to reconnect between two log lines",
    reload: "live",
    goName: "ReconnectErrorReports",
  }),
  profilingPort: option<number | null>({
    names: "prof_port",
    reader: reader<number | null>("integer", (value, context) => portOrDefault(integer.read(value, context), null)),
    given: given.orNull(given.port),
    initial: null,
    text: "port for profiling; -1: any free port",
    flags: [integerFlag<number | null>("profile", "Profiling", "port", "Profiling HTTP port", given => portOrDefault(given, null))],
    reload: "fixed",
    goName: "ProfPort",
    shown: port => String(port ?? 0),
  }),
  profilingRemote: option<boolean>({
    names: "prof_remote",
    reader: boolean,
    initial: false,
    text: "profiles may be requested from other hosts; nats-server always allows it",
    reload: "live",
    goName: "ProfRemote",
  }),
  profilingBlockRate: option<number>({
    names: "prof_block_rate",
    reader: integer,
    given: given.integer,
    initial: 0,
    text: "rate of the block profile; only logs a warning",
    reload: "live",
    goName: "ProfBlockRate",
  }),
};
