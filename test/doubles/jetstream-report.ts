/** JetStream as monitoring sees it, without JetStream: accounts with streams in given states. */
import { SINGLE_TIER } from "../../src/jetstream/config/account-jetstream.ts";
import { UNLIMITED } from "../../src/jetstream/config/account-limits.ts";
import { JETSTREAM_OFF, type JetStreamOptions } from "../../src/jetstream/config/jetstream-options.ts";
import { jetStreamSettings } from "../../src/jetstream/config/jetstream-settings.ts";
import { defaultStreamConfig } from "../../src/jetstream/config/stream-config.ts";
import type { JetStreamReport, ReportedAccount, ReportedStream } from "../../src/operations/monitor/jetstream-report.ts";
import { StoreState } from "../../src/store/contract/store-state.ts";

const MACHINE = { temporaryDirectory: "/tmp", memoryBytes: 4_000, freeBytes: () => 8_000 };

/** @param given options of the server */
export function reportOf(accounts: readonly ReportedAccount[], given: Partial<JetStreamOptions> = {}): JetStreamReport {
  return {
    settings: jetStreamSettings({ ...JETSTREAM_OFF, enabled: true, ...given }, "/store", MACHINE),
    usage: { memoryBytes: 1, storageBytes: 2, memoryReserved: 3, storageReserved: 2n ** 60n },
    api: { requests: 7, errors: 5, inFlight: 0 },
    accounts: new Map(accounts.map(one => [one.account.name, one])),
    storedNames: () => accounts.map(({ account }) => account.name).sort(),
    holdsFiles: () => true,
    storedStreams: name => {
      const { offline, streams } = accounts.find(({ account }) => account.name === name)!;
      const files = [...streams.values()].filter(({ config }) => config.storage === "file").map(stream => stream.name);
      return [...files, ...offline.keys()].sort();
    },
    accountOf: name => accounts.find(({ account }) => account.name === name)?.account ?? null,
  };
}

export function reportedAccount(name: string, streams: readonly ReportedStream[], more: Partial<ReportedAccount> = {}): ReportedAccount {
  return {
    account: { name, nameTag: "", expired: false },
    limits: new Map([[SINGLE_TIER, UNLIMITED]]),
    used: { memory: 0, storage: 0 },
    requests: 0,
    errors: 0,
    streams: new Map(streams.map(stream => [stream.name, stream])),
    offline: new Map(),
    ...more,
  };
}

/** A stream with messages of 10 bytes. */
export function reportedStream(
  name: string,
  messages = 0,
  { storage = "file", failure = null, lost = [] }: { storage?: "file" | "memory"; failure?: Error | null; lost?: number[] } = {},
): ReportedStream {
  const state = Object.assign(new StoreState(), {
    messages,
    bytes: 10 * messages,
    firstSequence: Math.min(1, messages),
    lastSequence: messages,
    lostSequences: lost,
  });
  return { name, config: defaultStreamConfig(name, { storage }), created: { high: 0, low: 0 }, store: { state, failure } };
}
