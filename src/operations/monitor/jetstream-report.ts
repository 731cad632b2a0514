/**
 * JetStream as monitoring reads it, only when a request arrives. JetStream's own objects have this form (jetstream/account/).
 *
 *   JetStreamReport ─▶ accounts ─▶ streams ─▶ state of the store
 */
import type { TieredLimits } from "../../jetstream/config/account-limits.ts";
import type { JetStreamSettings } from "../../jetstream/config/jetstream-settings.ts";
import type { StreamConfig } from "../../jetstream/config/stream-config.ts";
import type { StoreState } from "../../store/contract/store-state.ts";

export interface JetStreamReport {
  readonly settings: JetStreamSettings;
  /** Bytes of all streams, and the sums of their `max_bytes`. */
  readonly usage: {
    readonly memoryBytes: number;
    readonly storageBytes: number;
    readonly memoryReserved: number | bigint;
    readonly storageReserved: number | bigint;
  };
  /** Requests of the API since the start: all, those that were refused, and those that are handled or wait now. */
  readonly api: { readonly requests: number; readonly errors: number; readonly inFlight: number };
  /** Accounts that may use JetStream, by name. */
  readonly accounts: ReadonlyMap<string, ReportedAccount>;
  /** Names of the directories in the store's directory, where each account has one. */
  storedNames(): readonly string[];
  /** Whether there is anything in such a directory, apart from empty directories. */
  holdsFiles(name: string): boolean;
  /** Names of whatever is in the directory of an account's streams, sorted. */
  storedStreams(account: string): readonly string[];
  /** An account, whether it may use JetStream or not; null: it is unknown. */
  accountOf(name: string): { readonly expired: boolean } | null;
}

export interface ReportedAccount {
  readonly account: { readonly name: string; readonly nameTag: string; readonly expired: boolean };
  readonly limits: TieredLimits;
  /** Bytes of its streams. */
  readonly used: { readonly memory: number; readonly storage: number };
  readonly requests: number;
  readonly errors: number;
  readonly streams: ReadonlyMap<string, ReportedStream>;
  /** Streams on the disk that cannot be used, by name; also those that only another version can. */
  readonly offline: ReadonlyMap<string, { readonly reason: string; readonly isUnsupported: boolean }>;
}

export interface ReportedStream {
  readonly name: string;
  readonly config: StreamConfig;
  /** Nanoseconds since 1970, in halves. */
  readonly created: { readonly high: number; readonly low: number };
  readonly store: {
    readonly state: StoreState;
    /** Nothing can be stored because of this error; null: none. */
    readonly failure: Error | null;
  };
}
