/**
 * The field `server` in the JSON of events and of service responses: describes the server that sends them.
 * Source: reference, core §8.1.
 */

import type { Clock } from "../../base/clock/clock.ts";
import { goTime } from "../../base/go/time.ts";
import type { Options } from "../../config/schema/options.ts";
import { mergedFeatureFlags } from "../../config/schema/table/server.ts";
import { NATS_VERSION } from "../../wire/protocol/version.ts";

/** What other servers may ask of this one: JetStream, snapshots in binary form, and RAFT traffic in accounts. */
const JETSTREAM_FLAGS = 1 | 2 | 4;

/** The current data of the server. */
export interface ServerBlockHost {
  readonly serverName: string;
  readonly clusterName: string;
  readonly advertisedHost: string;
  readonly identity: { readonly id: string };
  readonly options: Options;
  readonly clock: Clock;
}

export class ServerBlock {
  /** Number of the latest event or response. */
  private sequence = 0;

  constructor(private readonly host: ServerBlockHost) {}

  /** The field for one event or response, with a new sequence number. */
  next(): object {
    const { serverName, clusterName, advertisedHost, identity, options, clock } = this.host;
    const { serverTags, serverMetadata, featureFlags, jetStream } = options;
    const metadata = Object.keys(serverMetadata).sort();
    return {
      name: serverName,
      host: advertisedHost,
      id: identity.id,
      ...(clusterName !== "" && { cluster: clusterName }),
      ...(jetStream.domain !== "" && { domain: jetStream.domain }),
      ver: NATS_VERSION,
      ...(serverTags.length > 0 && { tags: serverTags }),
      ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata.map(key => [key, serverMetadata[key]])) }),
      feature_flags: mergedFeatureFlags(featureFlags),
      jetstream: jetStream.enabled,
      flags: jetStream.enabled ? JETSTREAM_FLAGS : 0,
      seq: ++this.sequence,
      time: goTime(clock.now()),
    };
  }
}
