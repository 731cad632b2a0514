/** Buckets of `@nats-io/kv`, without what needs a consumer: watching, listing keys and the history as a list. */

import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { itemsOf, type Step, type StepTools } from "./step.ts";

const bucket = ({ kvm }: StepTools) => kvm.open("config");

export const KV_STEPS: readonly Step[] = [
  ["no buckets", ({ kvm }) => kvm.list()],
  ["create", async ({ kvm }) => (await kvm.create("plain")).status()],
  [
    "create with every option",
    async ({ kvm }) =>
      (
        await kvm.create("config", {
          description: "a bucket",
          history: 3,
          max_bytes: 1_048_576,
          maxValueSize: 1_024,
          ttl: 3_600_000,
          markerTTL: 60_000,
          storage: "file",
          replicas: 1,
          republish: { src: ">", dest: "copy.>" },
          compression: true,
          metadata: { owner: "tests" },
        })
      ).status(),
  ],
  ["create in memory", async ({ kvm }) => (await kvm.create("memory", { storage: "memory", compression: false, history: 64 })).status()],
  ["create with too long a history", async ({ kvm }) => (await kvm.create("long", { history: 65 })).status()],
  ["create with a bad name", ({ kvm }) => kvm.create("a.b")],
  ["create again", async ({ kvm }) => (await kvm.create("plain", { history: 9 })).status()],
  ["list", async ({ kvm }) => (await itemsOf(kvm.list())).map(status => status.bucket)],
  ["open a bucket that is not there", async ({ kvm }) => (await kvm.open("none")).status()],

  ["put", async tools => (await bucket(tools)).put("name", "one")],
  ["get", async tools => (await bucket(tools)).get("name")],
  ["get an unknown key", async tools => (await bucket(tools)).get("unknown")],
  ["put again", async tools => (await bucket(tools)).put("name", "two")],
  ["put expecting the last revision", async tools => (await bucket(tools)).put("name", "three", { previousSeq: 2 })],
  ["put expecting an old revision", async tools => (await bucket(tools)).put("name", "four", { previousSeq: 2 })],
  ["get a revision", async tools => (await bucket(tools)).get("name", { revision: 2 })],
  ["get a revision of another key", async tools => (await bucket(tools)).get("other", { revision: 2 })],
  ["get a revision to come", async tools => (await bucket(tools)).get("name", { revision: 50 })],
  ["put beyond the history", async tools => (await bucket(tools)).put("name", "five")],
  ["get a revision that the history dropped", async tools => (await bucket(tools)).get("name", { revision: 1 })],
  ["put with a bad key", async tools => (await bucket(tools)).put("bad key", "x")],
  ["put too large", async tools => (await bucket(tools)).put("large", "x".repeat(2_000))],
  ["put bytes", async tools => (await bucket(tools)).put("bytes", new Uint8Array([65, 0, 66]))],
  ["put a nested key", async tools => (await bucket(tools)).put("a.b.c", JSON.stringify({ deep: true }))],
  ["get a nested key as JSON", async tools => (await (await bucket(tools)).get("a.b.c"))!.json()],

  ["create a key", async tools => (await bucket(tools)).create("fresh", "1")],
  ["create it again", async tools => (await bucket(tools)).create("fresh", "2")],
  ["create with a marker that expires", async tools => (await bucket(tools)).create("brief", "1", "10s")],
  ["update", async tools => (await bucket(tools)).update("fresh", "3", 7)],
  ["update an old revision", async tools => (await bucket(tools)).update("fresh", "4", 7)],
  ["update revision 0", async tools => (await bucket(tools)).update("fresh", "4", 0)],
  ["delete", async tools => (await bucket(tools)).delete("fresh")],
  ["get the deleted key", async tools => (await bucket(tools)).get("fresh")],
  ["create the deleted key", async tools => (await bucket(tools)).create("fresh", "5")],
  ["delete expecting an old revision", async tools => (await bucket(tools)).delete("fresh", { previousSeq: 1 })],
  ["purge", async tools => (await bucket(tools)).purge("fresh")],
  ["get the purged key", async tools => (await bucket(tools)).get("fresh")],
  ["purge with a time to live", async tools => (await bucket(tools)).purge("name", { ttl: "1h" })],
  ["get the key purged with a time to live", async tools => (await bucket(tools)).get("name")],
  ["purge expecting an old revision", async tools => (await bucket(tools)).purge("bytes", { previousSeq: 1 })],
  ["delete an unknown key", async tools => (await bucket(tools)).delete("unknown")],
  ["status", async tools => (await bucket(tools)).status()],

  ["a bucket without direct gets", async ({ kvm }) => (await kvm.create("slow", { allow_direct: false })).put("a", "1")],
  ["a get from it", async ({ kvm }) => (await kvm.open("slow", { allow_direct: false })).get("a")],
  ["a get of an unknown key from it", async ({ kvm }) => (await kvm.open("slow", { allow_direct: false })).get("b")],
  ["bind only", async ({ kvm }) => (await kvm.create("slow", { bindOnly: true })).get("a")],
  ["a bucket in memory", async ({ kvm }) => (await kvm.create("memory", { storage: "memory" })).put("a", "1")],
  [
    "a client with its own prefix",
    async ({ connection }) => (await new Kvm(jetstream(connection, { apiPrefix: "$JS.API" })).open("slow")).get("a"),
  ],
  ["many puts at once", async ({ kvm }) => countOf(await putMany(await kvm.open("plain"), 300))],
  ["the last of them", async ({ kvm }) => (await kvm.open("plain")).get("key.9")],
  ["destroy", async tools => (await bucket(tools)).destroy()],
  ["destroy again", async tools => (await bucket(tools)).destroy()],
  ["get from the destroyed bucket", async tools => (await bucket(tools)).get("name")],
  ["put to the destroyed bucket", async tools => (await bucket(tools)).put("name", "late")],
];

async function putMany(kv: Awaited<ReturnType<Kvm["open"]>>, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => kv.put(`key.${index % 10}`, `${index}`)));
}

function countOf(revisions: readonly number[]): { count: number; last: number } {
  return { count: revisions.length, last: Math.max(...revisions) };
}
