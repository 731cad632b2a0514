/** A stream as its parts see it (publishing, direct gets, expiry), and what a stream needs of the server and of its account. */
import type { NanosecondClock, Nanoseconds } from "../../base/clock/nanoseconds.ts";
import type { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Random } from "../../base/random/random.ts";
import type { Job } from "../../base/scheduling/job.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import type { StreamConfig } from "../config/stream-config.ts";
import type { ApiError } from "../error/api-error.ts";
import type { MessageIds } from "./message-ids.ts";
import type { Outbox, OutboxHost, OutboxPublisher } from "./outbox.ts";
import type { PlaceHeader } from "./place-header.ts";
import type { CheckedStream } from "./publish-checks.ts";
import type { WritePace } from "./write-pace.ts";

/** The event loop, as ingest needs it. */
export interface IngestHost {
  readonly meter: WorkMeter;
  readonly random: Random;
  /** Runs a job in slices. It does not reject, unless there is a defect. */
  run<T>(job: Job<T>): Promise<T>;
  warnRateLimited(text: string): void;
}

/** Limits of the server on what waits for a stream. */
export interface BufferLimits {
  readonly bufferedMessagesMax: number;
  readonly bufferedBytesMax: number;
}

/** The event loop and the server, as streams need them. */
export interface StreamHost extends IngestHost, OutboxHost {
  readonly nanoseconds: NanosecondClock;
  readonly timers: TimingWheel;
  readonly limits: BufferLimits;
  /** Empty: no domain. */
  readonly domain: string;
  /** Direct gets send at most this number of bytes, unless the request says otherwise. */
  readonly pendingBytesMax: number;
  /** `stream.flush` is called in the phase Store at the end of this turn. Called again and again within a turn. */
  addChanged(stream: StreamCore): void;
  /** The turn ends when the code that runs now has returned to the event loop. */
  endSoon(): void;
  error(text: string): void;
  /** The disk is full: a stream noticed it. */
  outOfStorage(stream: string): void;
  warn(text: string): void;
}

/** The account of a stream, as the stream needs it. */
export interface StreamAccount {
  readonly name: string;
  readonly interest: SubjectTrie<Subscription>;
  readonly publisher: OutboxPublisher;
  /** Subscribes, also to the streams that the account imports. */
  subscribe(subscription: Subscription): void;
  unsubscribe(subscription: Subscription): void;
  /** The server's storage of that kind is used up. */
  isServerFull(isFile: boolean): boolean;
  /** The error of the account's limits for a message of that size; null: it fits. */
  refusalOf(stream: StreamCore, bytes: number): ApiError | null;
  /** The stream uses more or less. */
  addUsage(stream: StreamCore, bytes: number): void;
}

export interface StreamCore extends CheckedStream {
  readonly name: string;
  /** Name in log lines. */
  readonly label: string;
  readonly host: StreamHost;
  readonly account: StreamAccount;
  readonly config: StreamConfig;
  readonly limits: BufferLimits;
  readonly domain: string;
  readonly outbox: Outbox;
  readonly ids: MessageIds;
  /** Writes headers that say where a message is. */
  readonly place: PlaceHeader;
  /** Time of the changes of this turn. */
  readonly time: Nanoseconds;
  /** Takes no messages any more. */
  readonly closed: boolean;
  lastMessageId: string | null;
  /** When changes are written, and how much is not durable yet. */
  readonly pace: WritePace;
  /** What is sent now leaves when this change is durable; 0: at once, because the store has failed and nothing becomes durable any more. */
  readonly gate: number;
  /** The same for what says nothing about a change: 0 also while the disk is full. */
  readonly readGate: number;
  /** No purge by a message is under way, of which a read could see a half. */
  readonly isOpenForReads: boolean;
  /** Runs code as soon as reads are allowed. */
  whenOpenForReads(run: () => void): void;
  /** Call before changing the store: sets `time`, and makes sure that the change is written at the end of the turn. */
  beginChanges(): void;
  /** Call after changes outside of an event of a connection. */
  endChangesSoon(): void;
  /** Runs a job that changes the store, and writes its changes. Messages that arrive meanwhile are stored. @throws the disk's error */
  change<T>(job: Job<T>): Promise<T>;
  /** Writes the changes of the turn. */
  flush(): void;
  /** Sends what was added to the outbox, as far as it is durable, at the end of the turn. */
  sendSoon(): void;
  /** Resolves when what a check found to be cold can be asked again. */
  whenReady(): Promise<void>;
  /** Messages that wait to be handled. */
  readonly waiting: number;
  /** Publishes a message of the stream itself. */
  publishOwn(subject: Buffer, header: Buffer): void;
}
