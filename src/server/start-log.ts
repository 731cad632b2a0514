/** The lines that a server logs when it starts, in the reference's words and order: people and scripts look for them. */
import type { Options } from "../config/options.ts";
import type { Logger } from "../log/logger.ts";
import { NATS_VERSION } from "../protocol/version.ts";

/** From here on the reference warns of large messages. */
const PAYLOAD_BYTES_SOUND = 8 * 1024 * 1024;

export interface StartingServer {
  readonly log: Logger;
  readonly options: Options;
  readonly serverName: string;
  readonly identity: { readonly id: string };
  readonly systemAccount: { readonly name: string };
}

export function logStart({ log, options, serverName, identity, systemAccount }: StartingServer): void {
  log.notice("Starting nats-server");
  log.notice(`  Version:  ${NATS_VERSION}`);
  log.notice("  Git:      [not set]");
  log.debug(`  Go build: bun${Bun.version}`);
  log.notice(`  Name:     ${serverName}`);
  log.notice(`  ID:       ${identity.id}`);
  if (options.authorization?.password) log.warn("Plaintext passwords detected, use nkeys or bcrypt");
  if (options.payloadBytesMax > PAYLOAD_BYTES_SOUND) {
    log.warn("Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance");
  }
  log.debug(`Created system account: ${JSON.stringify(systemAccount.name)}`);
}
