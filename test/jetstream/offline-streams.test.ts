/** Streams whose configuration this version does not understand: they are listed, and answer as those of nats-server do. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HashKey } from "../../src/store/block/hash-key.ts";
import { RecordHasher } from "../../src/store/block/record-hasher.ts";
import { META_CHECKSUM, META_FILE, metaChecksum } from "../../src/store/file/meta-file.ts";
import { live } from "../reference/recording.ts";
import type { RawClient } from "./sequences/raw-client.ts";
import { type ServerKind, TestedServer } from "./sequences/tested-server.ts";

const request = (subject: string, payload = "") => ({ subject: `$JS.API.${subject}`, header: "", payload, replyEnd: "" });

/** Changes the stored configuration of a stream as another version would have stored it. */
function editMetafile(store: string, stream: string, edit: (config: Record<string, unknown>) => void): void {
  const directory = join(store, "A0", "streams", stream);
  const config = JSON.parse(readFileSync(join(directory, META_FILE), "utf8"));
  edit(config);
  const stored = Buffer.from(JSON.stringify(config));
  writeFileSync(join(directory, META_FILE), stored);
  writeFileSync(join(directory, META_CHECKSUM), metaChecksum(new RecordHasher(0), HashKey.ofName(stream), stored));
}

async function answers(client: RawClient, requests: readonly (readonly [subject: string, body: string])[]): Promise<string[]> {
  const texts: string[] = [];
  for (const [subject, body] of requests) {
    const [answer] = await client.ask(request(subject, body));
    texts.push(`${subject} ${answer?.payload.toString().replace(/"(created|ts)":"2[^"]*"/g, '"$1":"<time>"') ?? "no answer"}`);
  }
  return texts;
}

const BODY = (name: string, more = "") => `{"name":"${name}","subjects":["${name}.>"]${more}}`;
const EDITS: Readonly<Record<string, (config: Record<string, unknown>) => void>> = {
  LEVEL: config => Object.assign(config, { metadata: { "_nats.req.level": "99" } }),
  FIELD: config => Object.assign(config, { unknown: true }),
};

async function ofOffline(kind: ServerKind): Promise<string[]> {
  await using server = await TestedServer.start(kind, ["enabled"]);
  const names = Object.keys(EDITS);
  const before = await server.client(0);
  await answers(
    before,
    names.map(name => [`STREAM.CREATE.${name}`, BODY(name)] as const),
  );
  await server.restart("stop", store => {
    for (const name of names) editMetafile(store, name, EDITS[name]!);
  });
  const client = await server.client(0);
  return await answers(
    client,
    names.flatMap(name => [
      [`STREAM.INFO.${name}`, ""] as const,
      [`STREAM.CREATE.${name}`, BODY(name)] as const,
      [`STREAM.CREATE.${name}`, BODY(name, ',"max_msgs":5')] as const,
      [`STREAM.UPDATE.${name}`, BODY(name, ',"max_msgs":5')] as const,
      [`STREAM.PURGE.${name}`, ""] as const,
      ["STREAM.LIST", ""] as const,
      ["STREAM.NAMES", ""] as const,
      [`STREAM.DELETE.${name}`, ""] as const,
      [`STREAM.CREATE.${name}`, BODY(name, ',"max_msgs":5')] as const,
    ]),
  );
}

live.test(
  "a stream with a configuration that is not understood answers as that of nats-server, also to a create with the same one",
  async () => {
    const [ours, theirs] = await Promise.all([ofOffline("ours"), ofOffline("nats-server")]);
    expect(ours).toEqual(theirs);
  },
);

test("the name of a stream with a damaged metafile stays taken, whatever is created", async () => {
  await using server = await TestedServer.start("ours", ["enabled"]);
  const before = await server.client(0);
  await answers(before, [["STREAM.CREATE.D", '{"name":"D"}']]);
  await server.restart("stop", store => writeFileSync(join(store, "A0", "streams", "D", META_FILE), "{}"));
  const client = await server.client(0);
  const refused = /"err_code":10194,"description":"stream is offline: /;
  for (const body of ['{"name":"D"}', '{"name":"D","subjects":["other"]}']) {
    const [created] = await answers(client, [["STREAM.CREATE.D", body]]);
    expect(created).toMatch(refused);
  }
  const [deleted, created] = await answers(client, [
    ["STREAM.DELETE.D", ""],
    ["STREAM.CREATE.D", '{"name":"D"}'],
  ]);
  expect([deleted, created]).toEqual([expect.stringContaining('"success":true'), expect.stringContaining('"did_create":true')]);
});
