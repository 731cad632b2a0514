/**
 * Metrics of JetStream: of the server, and of its first streams individually. Names and labels: prometheus-nats-exporter, `jsz`. Its metrics
 * of accounts are those of newer versions; nats-server's /jsz has what they show.
 */
import { PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import type { Exposition, Labels } from "./exposition.ts";
import { streamsInOrder } from "./jetstream-fields.ts";
import type { JetStreamReport, ReportedAccount, ReportedStream } from "./jetstream-report.ts";
import { streamTotals } from "./jsz.ts";
import type { MonitoredServer } from "./monitored-server.ts";

/** Most streams with individual metrics. */
const STREAMS_MAX = 10_000;
/** Units of work for the metrics of a stream. */
const STREAM_UNITS = 64;

/** Values of single streams. Consumers do not exist yet. */
const STREAM_METRICS: Record<string, readonly [help: string, read: (stream: ReportedStream) => number]> = {
  total_messages: ["messages in the stream", ({ store }) => store.state.messages],
  total_bytes: ["bytes in the stream", ({ store }) => store.state.bytes],
  first_seq: ["first sequence that holds a message", ({ store }) => store.state.firstSequence],
  last_seq: ["last sequence that was used", ({ store }) => store.state.lastSequence],
  consumer_count: ["consumers of the stream", () => 0],
};

export function* addJetStream(exposition: Exposition, prefix: string, server: MonitoredServer): Sliced<void> {
  const { identity, jetStream, serverName } = server;
  const labels = {
    server_id: identity.id,
    server_name: serverName,
    cluster: "",
    domain: jetStream?.settings.options.domain ?? "",
    meta_leader: "",
    is_meta_leader: "true",
  };
  const add = (metric: string, help: string, value: number) => exposition.add(`${prefix}_server_${metric}`, help, labels, value);
  const { streams, messages, bytes } = jetStream === null ? NOTHING : yield* streamTotals(jetStream);
  add("jetstream_disabled", "1 when JetStream is off", jetStream === null ? 1 : 0);
  add("max_memory", "bytes that streams may keep in memory", jetStream?.settings.memoryBytesMax ?? 0);
  add("max_storage", "bytes that streams may keep in files", jetStream?.settings.fileBytesMax ?? 0);
  add("total_streams", "streams", streams);
  add("total_consumers", "consumers", 0);
  add("total_messages", "messages in all streams", messages);
  add("total_message_bytes", "bytes in all streams", bytes);
  if (jetStream !== null) yield* addStreams(exposition, prefix, labels, jetStream);
}

const NOTHING = { streams: 0, messages: 0, bytes: 0 };

function* addStreams(exposition: Exposition, prefix: string, server: Labels, { accounts }: JetStreamReport): Sliced<void> {
  const pace = new Pace();
  let count = 0;
  for (const account of [...accounts.values()].sort(byName)) {
    const { name, nameTag } = account.account;
    for (const stream of yield* streamsInOrder(account)) {
      if (++count > STREAMS_MAX) return;
      const labels = {
        ...server,
        account: nameTag || name,
        account_id: name,
        stream_name: stream.name,
        stream_leader: server.server_name!,
        is_stream_leader: "true",
      };
      for (const [metric, [help, read]] of Object.entries(STREAM_METRICS)) {
        exposition.add(`${prefix}_stream_${metric}`, help, labels, read(stream));
      }
      if (pace.due(STREAM_UNITS)) yield PAUSE;
    }
  }
}

function byName(a: ReportedAccount, b: ReportedAccount): number {
  return a.account.name < b.account.name ? -1 : 1;
}
