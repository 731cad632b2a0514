/**
 * The rows of JetStream. Each publish waits for its PubAck, which the generator checks; each get checks the message.
 *
 * Ours runs as it does by default: an acknowledged message is on the disk. The reference runs twice: as it does by default, where it
 * syncs every two minutes, and with `sync_interval: always`, where it promises the same as ours.
 */
import { ENCRYPTED_STORE, STORE } from "./configurations.ts";
import type { LoadOptions } from "./load.ts";
import { type Figure, type Floor, rateWithoutCeiling, type Workload } from "./workload.ts";

const ROUNDS = 3;
const KIB = 1024;

/** Least ratios: against the reference by default, and against the reference that syncs always. `null`: only stated. */
interface Floors {
  lazy: number | null;
  synced?: number;
}

/** The ratio is stated without a floor when `atLeast` is null. */
function rateFigure(title: string, atLeast: number | null, divisor?: "synced"): Figure {
  const { floor, ...figure } = rateWithoutCeiling(title, atLeast ?? 0);
  return { ...figure, ...(atLeast !== null && floor && { floor }), ...(divisor && { divisor }) };
}

/** Publishers of streams; without other options one publisher of one stream on the disk, 128 B. */
function publishing(id: string, title: string, floors: Floors, options: LoadOptions, syncedShare = 0.005): Workload {
  return {
    id: `js-${id}`,
    role: "stream",
    options: { size: 128, messages: 400_000, ...options },
    configuration: STORE,
    roundsMax: ROUNDS,
    figures: [
      rateFigure(`JetStream: ${title}`, floors.lazy),
      ...(floors.synced === undefined ? [] : [rateFigure("the same, the reference with `sync_interval: always`", floors.synced, "synced")]),
    ],
    syncedShare,
  };
}

function getting(id: string, title: string, atLeast: number, options: LoadOptions): Workload {
  return {
    id: `js-${id}`,
    role: "get",
    options: { size: 128, ...options },
    configuration: STORE,
    roundsMax: ROUNDS,
    figures: [rateFigure(`JetStream: ${title}`, atLeast)],
  };
}

/** Core messages beside a busy stream, compared with the same without JetStream. */
function besideStream(id: string, against: string, title: string, options: LoadOptions): Workload {
  return {
    id: `js-${id}`,
    role: "run",
    options: { subscribers: 1, busy: 5_000, ...options },
    configuration: STORE,
    figures: [
      rateFigure(`JetStream on, 5,000 messages per second to one stream: ${title}`, null),
      { ...rateFigure(`of ours without JetStream (${against})`, 0.95), against },
    ],
  };
}

const atMostTheReference: Floor = { atMost: 1 };

/** A filled store: its memory, and starting with it. */
function starting(id: string, title: string, options: LoadOptions, memory: Figure[]): Workload {
  const start = (after: string, read: Figure["read"]): Figure => ({
    title: `JetStream: start with ${title}, after ${after}`,
    unit: "ms",
    read,
    floor: atMostTheReference,
    ceiling: false,
  });
  return {
    id: `js-${id}`,
    role: "start",
    options: { inFlight: 4_000, ...options },
    configuration: STORE,
    roundsMax: 1,
    figures: [...memory, start("a clean stop", sample => sample.startMs ?? 0), start("kill -9", sample => sample.killedStartMs ?? 0)],
  };
}

const KEY_VALUE: LoadOptions = { keyValue: 1, subjects: 10_000, messages: 250_000 };

export const JETSTREAM_WORKLOADS: Workload[] = [
  publishing("128", "128 B, 1,000 in flight", { lazy: 1.8, synced: 100 }, { inFlight: 1_000 }),
  publishing("128-4k", "128 B, 4,000 in flight", { lazy: 3, synced: 100 }, { inFlight: 4_000 }),
  publishing("ids", "128 B with Nats-Msg-Id, 1,000 in flight", { lazy: 1.3 }, { inFlight: 1_000, messageIds: 1, messages: 250_000 }),
  publishing("memory", "128 B, memory, 1,000 in flight", { lazy: 2 }, { inFlight: 1_000, memory: 1 }),
  publishing("kv", "128 B into 10,000 keys of a KV bucket, 1,000 in flight", { lazy: 1.5, synced: 50 }, { inFlight: 1_000, ...KEY_VALUE }),
  publishing(
    "kv-4k",
    "128 B into 10,000 keys of a KV bucket, 4,000 in flight",
    { lazy: 2.5, synced: 50 },
    { inFlight: 4_000, ...KEY_VALUE },
  ),
  publishing("1k", "1 KiB, 1,000 in flight", { lazy: 1.4, synced: 50 }, { inFlight: 1_000, size: KIB, messages: 200_000 }, 0.01),
  publishing("1k-4k", "1 KiB, 4,000 in flight", { lazy: 1.2, synced: 50 }, { inFlight: 4_000, size: KIB, messages: 200_000 }, 0.01),
  publishing("one", "128 B, one at a time", { lazy: null, synced: 1.2 }, { inFlight: 1, messages: 10_000 }, 0.15),
  publishing(
    "100x1",
    "100 publishers of one stream, one at a time",
    { lazy: 1, synced: 20 },
    { inFlight: 1, publishers: 100, messages: 100_000 },
    0.015,
  ),
  publishing(
    "100-streams",
    "100 streams with one publisher each, 10 in flight",
    { lazy: null, synced: 5 },
    { inFlight: 10, streams: 100, publishers: 100, messages: 150_000 },
    0.1,
  ),
  publishing(
    "1000-streams",
    "1,000 streams with one publisher each, one at a time",
    { lazy: null, synced: 5 },
    { inFlight: 1, streams: 1_000, publishers: 1_000, messages: 30_000 },
    0.15,
  ),
  getting("get", "KV get, 50 in flight", 1.5, { inFlight: 50, subjects: 10_000, messages: 150_000 }),
  getting("batch", "direct get of batches of 1,000", 1.5, { batch: 1_000, stored: 100_000, messages: 500_000 }),
  publishing("s2", "128 B with S2, 1,000 in flight", { lazy: 1.2 }, { inFlight: 1_000, s2: 1, messages: 250_000 }),
  {
    ...publishing("aes", "128 B with AES, 1,000 in flight", { lazy: 1.2 }, { inFlight: 1_000, messages: 250_000 }),
    configuration: ENCRYPTED_STORE,
  },
  besideStream("core-16", "1to1-16", "1 → 1, 16 B", { size: 16, messages: 5_000_000 }),
  besideStream("core-128", "1to1-128", "1 → 1, 128 B", { size: 128, messages: 3_000_000 }),
  starting("1m-subjects", "1 M subjects", { size: 16, subjects: 1_000_000, messages: 1_000_000 }, [
    {
      title: "JetStream: memory with 1 M subjects",
      unit: "MB",
      read: sample => sample.rssBytes / 1e6,
      floor: atMostTheReference,
      ceiling: false,
    },
  ]),
  starting("10m", "10 M messages", { size: 16, messages: 10_000_000 }, []),
];
