/**
 * Reload: reads the configuration file again and applies what changed, without a restart.
 *
 *   read ─▶ compare ─▶ refuse changes that need a restart ─▶ prepare what may fail ─▶ replace the options ─▶ apply effects one by one
 *                                                      nothing has changed yet ┘   └─ nothing can fail from here on
 * All or nothing: an error leaves the running server as it was. It is one synchronous step of the event loop, so a connection is accepted
 * before it or after it, never in between. Options of the command line or of the embedding program override the file again.
 * Source: reference, core §6.14.
 */

import { calloutInputsChanged } from "../../auth/callout/callout-inputs.ts";
import { goDuration } from "../../base/go/duration.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import { diffOptions } from "../../config/schema/reload/option-diff.ts";
import type { Client } from "../../connections/client/client.ts";
import { reloadLines } from "../../jetstream/config/reload-lines.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import type { ReadConfig } from "./config-source.ts";
import { warnOfBlockProfiling } from "./operator-ports.ts";

/** The operations of a server that a reload uses. */
export interface ReloadTarget {
  readonly log: Logger;
  readonly options: Options;
  /** The client port in use; differs from the options when those ask for any free port. */
  readonly port: number;
  readonly connections: ReadonlyMap<number, Client>;
  /** Runs the steps of the change that may fail. @returns applies the change and cannot fail @throws with the reason */
  prepare(after: Options): () => void;
  /** Makes the new options the current ones. */
  replaceOptions(after: Options): void;
  /** Updates INFO for future clients; sends nothing. */
  updateInfo(): void;
  /** Updates INFO, and sends it to the clients that accept updates. */
  announceInfo(): void;
  readonly files: { rewritePid(): void; movePorts(): void };
  /** Turns JetStream on or off, and changes its limits and those of accounts, as the new options say; what needs the disk happens later. */
  followJetStream(before: Options): void;
  /** Authenticates every connected client again. */
  authenticateAgain(): void;
  refuseConnection(client: Client): void;
}

/** @throws Error with the reason; nothing has changed then */
export function reload(server: ReloadTarget, config: ReadConfig): void {
  const before = server.options;
  const changes = diffOptions({ ...before, port: server.port }, config.options);
  const refused = changes.find(({ refusal }) => refusal !== null);
  if (refused !== undefined) throw new Error(refused.refusal!);
  const install = server.prepare(config.options);
  for (const warning of config.warnings) server.log.warn(warning);
  server.replaceOptions(config.options);
  install();
  for (const { name } of changes) announce(server, name, config.options, before);
  // The TLS files are read again even when their names are the same.
  if (config.options.tls !== null && !changes.some(({ name }) => name === "tls")) server.log.notice("Reloaded: tls = enabled");
  server.followJetStream(before);
  for (const client of server.connections.values()) client.followTraceLevel();
  if (changes.some(({ name }) => AUTHENTICATION.has(name)) || calloutInputsChanged(before, config.options)) server.authenticateAgain();
  if (changes.some(({ name }) => name === "payloadBytesMax")) server.announceInfo();
  else server.updateInfo();
  server.log.notice(`Reloaded server configuration (${config.digest})`);
}

/** Options that may change whether a client may stay connected, or its permissions. */
const AUTHENTICATION: ReadonlySet<keyof Options> = new Set<keyof Options>([
  "authorization",
  "accounts",
  "mappings",
  "trustedProxies",
  "noAuthUser",
  "resolver",
  "resolverTls",
  "resolverPreload",
  "pinnedAccounts",
  "defaultSentinel",
]);

function announce<K extends keyof Options>(server: ReloadTarget, name: K, after: Options, before: Options): void {
  const effect = EFFECTS[name];
  if (effect === undefined) return server.log.notice(`Reloaded: ${name}`);
  effect.apply?.(server, after[name], before[name]);
  const texts = effect.text(after[name], before[name]);
  for (const text of typeof texts === "string" ? [texts] : texts) server.log.notice(text);
}

interface Effect<T> {
  /** The reference's log lines. */
  text(after: T, before: T): string | readonly string[];
  /** Does what the change needs beyond replacing the option. */
  apply?(server: ReloadTarget, after: T, before: T): void;
}

const shown = (name: string) => ({ text: (after: unknown) => `Reloaded: ${name} = ${after ?? ""}` });

/** An option without an entry is read at each use; the log only names it. */
const EFFECTS: { readonly [K in keyof Options]?: Effect<Options[K]> } = {
  debug: shown("debug"),
  trace: shown("trace"),
  traceVerbose: shown("trace_verbose"),
  traceHeaders: shown("trace_headers"),
  logTime: shown("logtime"),
  logTimeUtc: shown("logtime_utc"),
  logFile: shown("log_file"),
  syslog: shown("syslog"),
  remoteSyslog: shown("remote_syslog"),
  logFormat: shown("log_format"),
  logLevelOverrides: { text: after => `Reloaded: log_level_override = ${JSON.stringify(after)}` },
  tracedBytesMax: shown("max_traced_msg_len"),
  tls: {
    text(after, before) {
      if (after === null || before === null) return [`Reloaded: tls = ${after === null ? "disabled" : "enabled"}`];
      const texts = [];
      if (!sameTls(after, before)) texts.push("Reloaded: tls = enabled");
      if (after.timeoutMs !== before.timeoutMs) texts.push(`Reloaded: tls timeout = ${after.timeoutMs / 1000}`);
      if (String(after.pinnedCerts) !== String(before.pinnedCerts)) texts.push(`Reloaded: ${after.pinnedCerts.length} pinned_certs`);
      if (after.handshakeFirst !== before.handshakeFirst) texts.push(`Reloaded: Client TLS handshake first: ${after.handshakeFirst}`);
      const delay = after.handshakeFirstFallbackMs;
      if (delay !== before.handshakeFirstFallbackMs) {
        texts.push(`Reloaded: Client TLS handshake first fallback delay: ${goDuration(delay * 1e6)}`);
      }
      return texts;
    },
  },
  authorization: {
    text(after, before) {
      const texts = [];
      if (after?.user !== before?.user) texts.push("Reloaded: authorization username");
      if (after?.password !== before?.password) texts.push("Reloaded: authorization password");
      if (after?.token !== before?.token) texts.push("Reloaded: authorization token");
      const users = (one: Options["authorization"]) => JSON.stringify([one?.users, one?.defaultPermissions]);
      if (users(after) !== users(before)) texts.push("Reloaded: authorization users");
      return texts;
    },
  },
  accounts: { text: () => "Reloaded: accounts" },
  mappings: { text: () => "Reloaded: accounts" },
  noAuthUser: { text: () => [] },
  systemAccount: { text: () => [] },
  defaultSentinel: { text: after => `Reloaded: default_sentinel = ${after}` },
  trustedProxies: {
    text(after, before) {
      const shown = (keys: readonly string[]) => `[${keys.map(quoted).join(" ")}]`;
      const removed = before.filter(key => !after.includes(key));
      const added = after.filter(key => !before.includes(key));
      return [
        ...(removed.length === 0 ? [] : [`Reloaded: proxies trusted keys ${shown(removed)} were removed`]),
        ...(added.length === 0 ? [] : [`Reloaded: proxies trusted keys ${shown(added)} were added`]),
      ];
    },
    apply(server, after) {
      for (const client of [...server.connections.values()]) {
        if (client.proxyKey !== "" && !after.includes(client.proxyKey)) client.refuse(Refusal.ProxyNotTrusted);
      }
    },
  },
  authTimeoutMs: { text: after => `Reloaded: authorization timeout = ${after / 1000}` },
  clusterName: { text: after => [...(after === null ? [] : [`Cluster name updated to ${after}`]), "Reloaded: cluster"] },
  serverTags: { text: () => "Reloaded: tags" },
  serverMetadata: { text: () => "Reloaded: metadata" },
  connectionsMax: {
    text: after => `Reloaded: max_connections = ${after}`,
    apply(server, after) {
      const limit = Math.max(0, after);
      const surplus = [...server.connections.values()].slice(limit); // the newest
      for (const client of surplus) server.refuseConnection(client);
      if (surplus.length > 0) server.log.notice(`Closed ${surplus.length} connections to fall within max_connections`);
    },
  },
  pidFile: {
    text: after => (after === null ? [] : `Reloaded: pid_file = ${after}`),
    apply(server, after) {
      if (after !== null) server.files.rewritePid();
    },
  },
  portsFileDirectory: { ...shown("ports_file_dir"), apply: server => server.files.movePorts() },
  controlLineBytesMax: { ...shown("max_control_line"), apply: followLimits },
  payloadBytesMax: { ...shown("max_payload"), apply: followLimits },
  pingIntervalMs: { text: after => `Reloaded: ping_interval = ${goDuration(after * 1e6)}` },
  pingsOutMax: shown("ping_max"),
  writeDeadlineMs: { text: after => `Reloaded: write_deadline = ${goDuration(after * 1e6)}` },
  clientAdvertise: { text: after => `Reload: client_advertise = ${after ?? ""}` },
  ocspCache: { text: () => "Reloaded OCSP peer cache" },
  ocspStapling: { text: () => "Reloaded: OCSP" },
  connectErrorReports: shown("connect_error_reports"),
  reconnectErrorReports: shown("reconnect_error_reports"),
  profilingBlockRate: { ...shown("prof_block_rate"), apply: (server, after) => warnOfBlockProfiling(server.log, after) },
  fastProducerStall: { text: after => `Reloaded: fast producers will ${after ? "" : "not "}be stalled` },
  resolver: { text: () => "Reloaded: accounts" },
  resolverTls: { text: () => "Reloaded: accounts" },
  resolverPreload: { text: () => "Reloaded: accounts" },
  pinnedAccounts: { text: () => [] },
  jetStream: { text: (after, before) => reloadLines(before, after) },
  storeDirectory: { text: () => [] },
  websocket: { text: () => [] }, // only its TLS can change; the reference does not log that either
};

function followLimits(server: ReloadTarget): void {
  for (const client of server.connections.values()) client.followLimits();
}

function sameTls(a: NonNullable<Options["tls"]>, b: NonNullable<Options["tls"]>): boolean {
  const rest = ({ timeoutMs, pinnedCerts, handshakeFirst, handshakeFirstFallbackMs, ...tls }: NonNullable<Options["tls"]>) =>
    JSON.stringify(tls);
  return rest(a) === rest(b);
}
