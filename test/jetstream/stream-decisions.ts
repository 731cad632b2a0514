/**
 * The streams of an account, of which only the configurations exist: our decisions about requests, compared with nats-server's answers.
 */
import { compactGoJson } from "../../src/base/go/json-writer.ts";
import { decodeRequest } from "../../src/jetstream/api/decode-request.ts";
import { type JetStreamLimits, UNLIMITED } from "../../src/jetstream/config/account-limits.ts";
import { decideCreate, type StreamContext } from "../../src/jetstream/config/create-stream.ts";
import { answeredMetadata } from "../../src/jetstream/config/metadata.ts";
import { STREAM_CONFIG_REQUEST, type Storage, type StreamConfig, streamConfigValue } from "../../src/jetstream/config/stream-config.ts";
import { decideUpdate } from "../../src/jetstream/config/update-stream.ts";
import { ApiError } from "../../src/jetstream/error/api-error.ts";
import { REFERENCE_VERSION } from "../reference/reference-server.ts";
import type { Setting, StreamRequest } from "./stream-requests.ts";

/** The error or the configuration of an answer, as its JSON text. */
export function essenceOf(answer: string): string {
  const error = /^\{"type":"[^"]*","error":(\{.*\})\}$/.exec(answer);
  if (error !== null) return error[1]!;
  return /"config":(\{.*\}),"created":/.exec(answer)?.[1] ?? answer;
}

export interface ServerSetting {
  /** Configuration of nats-server, in its `jetstream` block and outside of it. */
  readonly jetstream: string;
  readonly rest: string;
  /** The same for ours. */
  readonly memoryBytesMax: number;
  readonly storageBytesMax: number;
  readonly limits: JetStreamLimits;
  readonly duplicateWindowMaxNs: number;
  readonly strict: boolean;
}

const USUAL: ServerSetting = {
  jetstream: "max_mem: 1G, max_file: 10G",
  rest: "",
  memoryBytesMax: 2 ** 30,
  storageBytesMax: 10 * 2 ** 30,
  limits: UNLIMITED,
  duplicateWindowMaxNs: 0,
  strict: true,
};

const account = (limits: string) => `accounts { A { jetstream { ${limits} }, users: [{ user: a, password: a }] } }\nno_auth_user: a`;

export const SETTINGS: Record<Setting, ServerSetting> = {
  usual: USUAL,
  smallServer: { ...USUAL, jetstream: "max_mem: 1000, max_file: 2000", memoryBytesMax: 1_000, storageBytesMax: 2_000 },
  limitedAccount: {
    ...USUAL,
    rest: account(
      "max_mem: 1000, max_file: 800, max_streams: 3, max_consumers: 5, max_bytes_required: true, mem_max_stream_bytes: 300, disk_max_stream_bytes: 500",
    ),
    limits: {
      ...UNLIMITED,
      memoryBytesMax: 1_000,
      storageBytesMax: 800,
      streamsMax: 3,
      consumersMax: 5,
      memoryStreamBytesMax: 300,
      storageStreamBytesMax: 500,
      streamBytesRequired: true,
    },
  },
  limitedStreams: { ...USUAL, rest: account("max_streams: 1"), limits: { ...UNLIMITED, streamsMax: 1 } },
  shortWindow: { ...USUAL, jetstream: `${USUAL.jetstream}, limits { duplicate_window: "90.5s" }`, duplicateWindowMaxNs: 90_500_000_000 },
  lax: { ...USUAL, jetstream: `${USUAL.jetstream}, strict: false`, strict: false },
};

export function partsOf(request: StreamRequest): [verb: "CREATE" | "UPDATE" | "DELETE", name: string, body: string] {
  if (request[0] === "delete") return ["DELETE", request[1], ""];
  if (request.length === 3) return ["UPDATE", request[1], request[2]];
  return ["CREATE", request[0], request[1]];
}

export class Streams {
  private readonly configs = new Map<string, StreamConfig>();

  constructor(private readonly setting: ServerSetting) {}

  private get context(): StreamContext {
    const { memoryBytesMax, storageBytesMax, limits, duplicateWindowMaxNs } = this.setting;
    const reserved = (storage: Storage) =>
      [...this.configs.values()].reduce((sum, one) => sum + (one.storage === storage ? Math.max(0, Number(one.bytesMax)) : 0), 0);
    return {
      limits: new Map([["", limits]]),
      duplicateWindowMaxNs,
      server: { memoryBytesMax, memoryReserved: reserved("memory"), storageBytesMax, storageReserved: reserved("file") },
      configOf: name => this.configs.get(name) ?? null,
      configs: () => this.configs.values(),
    };
  }

  /** @returns null: the request is not compared */
  answer(request: StreamRequest): string | null {
    const [verb, name, body] = partsOf(request);
    if (verb === "DELETE") {
      this.configs.delete(name);
      return null;
    }
    const { value, error } = decodeRequest(STREAM_CONFIG_REQUEST, Buffer.from(body), this.setting.strict);
    if (value === null) return compactGoJson(error);
    const existing = this.configs.get(name);
    const old = existing === undefined ? null : { config: existing, offlineReason: null, consumers: () => [] };
    const decided = verb === "UPDATE" ? decideUpdate(value, name, old, this.context) : decideCreate(value, name, this.context);
    if (decided instanceof ApiError) return compactGoJson(decided);
    const config = "config" in decided ? decided.config : decided;
    this.configs.set(name, config);
    return compactGoJson(streamConfigValue({ ...config, metadata: answeredMetadata(config.metadata, REFERENCE_VERSION) }));
  }
}
