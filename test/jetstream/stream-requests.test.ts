/** Requests to create and update streams: our decision about each is what nats-server answers, byte for byte. */
import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compactGoJson } from "../../src/base/go/json-writer.ts";
import { decodeRequest } from "../../src/jetstream/api/decode-request.ts";
import { UNLIMITED } from "../../src/jetstream/config/account-limits.ts";
import { decideCreate, type StreamContext } from "../../src/jetstream/config/create-stream.ts";
import { answeredMetadata } from "../../src/jetstream/config/metadata.ts";
import { STREAM_CONFIG_REQUEST, type StreamConfig, streamConfigValue } from "../../src/jetstream/config/stream-config.ts";
import { decideUpdate } from "../../src/jetstream/config/update-stream.ts";
import { ApiError } from "../../src/jetstream/error/api-error.ts";
import { answerOfReference, Recording } from "../reference/recording.ts";
import { REFERENCE_VERSION, ReferenceServer } from "../reference/reference-server.ts";
import { JetStreamClient } from "./jetstream-client.ts";
import { GROUPS, type Group, type StreamRequest } from "./stream-requests.ts";

const it = new Recording(import.meta.path);

/** Answers of ours that differ on purpose (docs/differences.md), or because a feature comes later. */
const OUR_OWN = /not supported by this server|first sequence is too large/;

/** The error or the configuration of an answer, as its JSON text. */
function essenceOf(answer: string): string {
  const error = /^\{"type":"[^"]*","error":(\{.*\})\}$/.exec(answer);
  if (error !== null) return error[1]!;
  return /"config":(\{.*\}),"created":/.exec(answer)?.[1] ?? answer;
}

async function askReference(group: Group): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-streams-"));
  const server = await ReferenceServer.start(`jetstream { store_dir: "${directory}", max_mem: 1G, max_file: 10G }`);
  const client = await JetStreamClient.open(server.port);
  try {
    const answers: string[] = [];
    for (const request of group.requests) {
      const [verb, name, body] = partsOf(request);
      const answer = await client.ask(`STREAM.${verb}.${name}`, body);
      if (verb !== "DELETE") answers.push(essenceOf(answer));
    }
    return answers;
  } finally {
    await client.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function partsOf(request: StreamRequest): [verb: "CREATE" | "UPDATE" | "DELETE", name: string, body: string] {
  if (request[0] === "delete") return ["DELETE", request[1], ""];
  if (request.length === 3) return ["UPDATE", request[1], request[2]];
  return ["CREATE", request[0], request[1]];
}

/** The streams of an account, of which only their configurations exist. */
class Streams {
  private readonly configs = new Map<string, StreamConfig>();
  private readonly context: StreamContext = {
    limits: new Map([["", UNLIMITED]]),
    duplicateWindowMaxNs: 0,
    server: { memoryBytesMax: 2 ** 30, memoryReserved: 0, storageBytesMax: 10 * 2 ** 30, storageReserved: 0 },
    configOf: name => this.configs.get(name) ?? null,
    configs: () => this.configs.values(),
  };

  /** @returns null: the request is not compared */
  answer(request: StreamRequest): string | null {
    const [verb, name, body] = partsOf(request);
    if (verb === "DELETE") {
      this.configs.delete(name);
      return null;
    }
    const { value, error } = decodeRequest(STREAM_CONFIG_REQUEST, Buffer.from(body), true);
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

for (const group of GROUPS) {
  it.compared(group.title, async () => {
    const theirs = await answerOfReference(() => askReference(group));
    const streams = new Streams();
    const ours = it.comparable(group.requests.map(request => streams.answer(request)).filter(answer => answer !== null));
    expect(ours.length).toBe(theirs.length);
    const bodies = group.requests.filter(([verb]) => verb !== "delete").map(request => request.join(" ").slice(0, 300));
    const pairs = (answers: readonly string[]) =>
      answers.map((answer, index) => [bodies[index], OUR_OWN.test(ours[index]!) ? "our own" : answer]);
    expect(pairs(ours)).toEqual(pairs(theirs));
  });
}
