/** The log lines of a start, with the reference's texts and order, because people and scripts look for them. */

import { hasPlaintextPasswords } from "../../auth/users/listener-rules.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import { FEATURE_FLAGS } from "../../config/schema/table/server.ts";
import { NATS_VERSION, OWN_VERSION } from "../../wire/protocol/version.ts";

/** Above this size the reference warns of large messages. */
const PAYLOAD_BYTES_RECOMMENDED_MAX = 8 * 1024 * 1024;

export interface StartingServer {
  readonly log: Logger;
  readonly options: Options;
  readonly serverName: string;
  readonly identity: { readonly id: string };
  /** null: the server has no system account. */
  readonly systemAccount: { readonly name: string } | null;
  /** null when the options do not come from a file. */
  readonly configFile: { readonly path: string; readonly digest: string } | null;
}

/** Logs which operators are trusted. */
interface OperatorReport {
  logOperators(): void;
}

/**
 * @param operator null: no operator is trusted
 * @param startProfiler called at the position of its own log lines
 */
export function logStart(
  { log, options, serverName, identity, systemAccount, configFile }: StartingServer,
  operator: OperatorReport | null,
  startProfiler: () => void,
): void {
  log.notice("Starting nats-server");
  log.notice(`  Version:  ${NATS_VERSION}`);
  log.notice("  Git:      [not set]");
  log.notice(`  bunats:   ${OWN_VERSION}`);
  log.debug(`  Go build: bun${Bun.version}`);
  if (options.clusterName !== null) log.notice(`  Cluster:  ${options.clusterName}`);
  log.notice(`  Name:     ${serverName}`);
  log.notice(`  ID:       ${identity.id}`);
  logFeatureFlags(log, options.featureFlags);
  if (hasPlaintextPasswords(options)) log.warn("Plaintext passwords detected, use nkeys or bcrypt");
  startProfiler();
  if (configFile !== null) log.notice(`Using configuration file: ${configFile.path} (${configFile.digest})`);
  operator?.logOperators();
  if (options.payloadBytesMax > PAYLOAD_BYTES_RECOMMENDED_MAX) {
    log.warn("Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance");
  }
  if (Object.keys(options.defaultJsDomain).length > 0) {
    log.warn("The option `default_js_domain` is a temporary backwards compatibility measure and will be removed");
  }
  if (systemAccount !== null && options.systemAccount === null) log.debug(`Created system account: ${JSON.stringify(systemAccount.name)}`);
}

function logFeatureFlags(log: Logger, flags: Readonly<Record<string, boolean>>): void {
  const names = Object.keys(flags).sort();
  if (names.length === 0) return;
  const known = names.filter(name => Object.hasOwn(FEATURE_FLAGS, name));
  const configured = known.map(name => `${name} (${featureState(FEATURE_FLAGS[name], flags[name])})`);
  const unsupported = names.filter(name => !known.includes(name));
  log.notice("  Feature flags:");
  log.notice(`    Configured:    ${configured.join(", ") || "none"}`);
  if (unsupported.length > 0) log.notice(`    Unsupported:   ${unsupported.join(", ")}`);
}

function featureState(initial: boolean, chosen: boolean): string {
  if (initial) return chosen ? "enabled" : "opt-out";
  return chosen ? "opt-in" : "disabled";
}
