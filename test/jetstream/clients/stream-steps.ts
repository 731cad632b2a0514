/** Streams through the manager of `@nats-io/jetstream`: create, change, look up, list, read and remove. */
import { headers, nanos } from "@nats-io/nats-core";
import { itemsOf, type Step } from "./step.ts";

/** @returns steps for streams of this kind of storage */
export function streamSteps(storage: "file" | "memory"): readonly Step[] {
  return [
    ["the account before anything is stored", ({ jsm }) => jsm.getAccountInfo()],
    ["no names", ({ jsm }) => jsm.streams.names()],
    ["add", ({ jsm }) => jsm.streams.add({ name: "orders", subjects: ["orders.>"], storage })],
    ["add again", ({ jsm }) => jsm.streams.add({ name: "orders", subjects: ["orders.>"], storage })],
    ["add with another configuration", ({ jsm }) => jsm.streams.add({ name: "orders", subjects: ["orders.*"], storage })],
    ["add with an overlapping subject", ({ jsm }) => jsm.streams.add({ name: "second", subjects: ["orders.new"], storage })],
    ["add with a bad subject", ({ jsm }) => jsm.streams.add({ name: "second", subjects: ["orders..new"], storage })],
    ["add with a bad name", ({ jsm }) => jsm.streams.add({ name: "a.b", storage })],
    ["add without a name", ({ jsm }) => jsm.streams.add({ name: "", storage })],
    ["add without subjects", ({ jsm }) => jsm.streams.add({ name: "second", storage })],
    [
      "add with every option",
      ({ jsm }) =>
        jsm.streams.add({
          name: "options",
          description: "all options",
          subjects: ["a.*", "b.>"],
          retention: "workqueue",
          storage,
          max_consumers: 10,
          max_msgs: 1_000,
          max_msgs_per_subject: 20,
          max_age: nanos(3_600_000),
          max_bytes: 1_048_576,
          max_msg_size: 1_024,
          discard: "new",
          discard_new_per_subject: true,
          duplicate_window: nanos(30_000),
          allow_rollup_hdrs: true,
          num_replicas: 1,
          deny_delete: true,
          deny_purge: false,
          allow_direct: true,
          republish: { src: "a.*", dest: "again.{{wildcard(1)}}", headers_only: true },
          metadata: { owner: "tests" },
          subject_transform: { src: "b.>", dest: "c.>" },
          compression: storage === "file" ? "s2" : "none",
          consumer_limits: { inactive_threshold: nanos(60_000), max_ack_pending: 100 },
          allow_msg_ttl: true,
          first_seq: 100,
        }),
    ],
    ["three replicas without a cluster", ({ jsm }) => jsm.streams.add({ name: "three", subjects: ["three"], num_replicas: 3, storage })],
    ["more bytes than the account has", ({ jsm }) => jsm.streams.add({ name: "big", subjects: ["big"], max_bytes: 2 ** 40, storage })],
    ["discard new per subject without new", ({ jsm }) => jsm.streams.add({ name: "bad", discard_new_per_subject: true, storage })],
    ["negative max_age", ({ jsm }) => jsm.streams.add({ name: "bad", max_age: -5, storage })],
    ["duplicate window above max_age", ({ jsm }) => jsm.streams.add({ name: "bad", max_age: 1e9, duplicate_window: 2e9, storage })],
    ["marker without message ttl", ({ jsm }) => jsm.streams.add({ name: "bad", subject_delete_marker_ttl: 1e9, storage })],
    [
      "unknown transform function",
      ({ jsm }) => jsm.streams.add({ name: "bad", subject_transform: { src: "x.*", dest: "{{nothing(1)}}" }, storage }),
    ],
    [
      "republish into itself",
      ({ jsm }) => jsm.streams.add({ name: "bad", subjects: ["x.>"], republish: { src: ">", dest: "x.y.>" }, storage }),
    ],

    ["publish", ({ js }) => js.publish("orders.new", "first")],
    ["publish with headers", ({ js }) => js.publish("orders.new", "second", { headers: headersOf({ Kind: ["a", "b"] }) })],
    ["publish nothing", ({ js }) => js.publish("orders.old")],
    ["publish bytes", ({ js }) => js.publish("orders.bytes", new Uint8Array([0, 13, 10, 65]))],
    ["publish into the transformed stream", ({ js }) => js.publish("b.x", "moved")],

    ["info", ({ jsm }) => jsm.streams.info("orders")],
    ["info of the transformed stream", ({ jsm }) => jsm.streams.info("options", { subjects_filter: ">" })],
    ["info with subjects", ({ jsm }) => jsm.streams.info("orders", { subjects_filter: ">" })],
    ["info with some subjects", ({ jsm }) => jsm.streams.info("orders", { subjects_filter: "orders.o*" })],
    ["info of no stream", ({ jsm }) => jsm.streams.info("none")],
    ["names", ({ jsm }) => jsm.streams.names()],
    ["names by subject", ({ jsm }) => jsm.streams.names("orders.new")],
    ["list", async ({ jsm }) => (await itemsOf(jsm.streams.list())).map(info => info.config.name)],
    ["list by subject", ({ jsm }) => jsm.streams.list("orders.*")],
    ["list by an unused subject", ({ jsm }) => jsm.streams.list("unused")],
    ["find", ({ jsm }) => jsm.streams.find("orders.new")],
    ["find an unused subject", ({ jsm }) => jsm.streams.find("unused")],
    ["find with a wildcard", ({ jsm }) => jsm.streams.find("orders.>")],
    ["get as an object", async ({ js }) => (await js.streams.get("orders")).name],
    ["get of no stream as an object", ({ js }) => js.streams.get("none")],
    ["alternates", async ({ js }) => (await js.streams.get("orders")).alternates()],
    ["best", async ({ js }) => (await (await js.streams.get("orders")).best()).name],

    ["message by sequence", ({ jsm }) => jsm.streams.getMessage("orders", { seq: 2 })],
    ["message by sequence 0", ({ jsm }) => jsm.streams.getMessage("orders", { seq: 0 })],
    ["message after the last", ({ jsm }) => jsm.streams.getMessage("orders", { seq: 50 })],
    ["last message of a subject", ({ jsm }) => jsm.streams.getMessage("orders", { last_by_subj: "orders.new" })],
    ["last message of a wildcard", ({ jsm }) => jsm.streams.getMessage("orders", { last_by_subj: "orders.*" })],
    ["last message of an unused subject", ({ jsm }) => jsm.streams.getMessage("orders", { last_by_subj: "orders.none" })],
    ["message of no stream", ({ jsm }) => jsm.streams.getMessage("none", { seq: 1 })],
    ["message through the object", async ({ js }) => (await js.streams.get("orders")).getMessage({ seq: 4 })],

    ["delete a message", ({ jsm }) => jsm.streams.deleteMessage("orders", 2)],
    ["delete it again", ({ jsm }) => jsm.streams.deleteMessage("orders", 2)],
    ["delete a message without erasing it", ({ jsm }) => jsm.streams.deleteMessage("orders", 3, false)],
    ["delete a message of a stream that denies it", ({ jsm }) => jsm.streams.deleteMessage("options", 100)],
    ["a deleted message", ({ jsm }) => jsm.streams.getMessage("orders", { seq: 2 })],
    ["info with deleted messages", ({ jsm }) => jsm.streams.info("orders", { deleted_details: true })],

    ["update", ({ jsm }) => jsm.streams.update("orders", { subjects: ["orders.>", "more"], max_msgs: 100, description: "changed" })],
    ["update nothing", ({ jsm }) => jsm.streams.update("orders", {})],
    [
      "update with a full configuration",
      async ({ jsm }) => jsm.streams.update("orders", { ...(await jsm.streams.info("orders")).config, max_bytes: 100_000 }),
    ],
    ["update to an overlapping subject", ({ jsm }) => jsm.streams.update("orders", { subjects: ["a.x"] })],
    ["update of no stream", ({ jsm }) => jsm.streams.update("none", { max_msgs: 1 })],
    ["update of the storage", ({ jsm }) => jsm.streams.update("orders", { storage: storage === "file" ? "memory" : "file" } as object)],
    ["update of a denied delete", ({ jsm }) => jsm.streams.update("options", { deny_delete: false })],
    ["update to fewer messages", ({ jsm }) => jsm.streams.update("orders", { max_msgs: 1 })],

    ["fill", async ({ js }) => Promise.all(["a", "b", "a", "b", "a"].map(key => js.publish(`orders.${key}`, key)))],
    ["update to more messages", ({ jsm }) => jsm.streams.update("orders", { max_msgs: 100 })],
    ["fill again", async ({ js }) => Promise.all(["a", "b", "a", "b", "a"].map(key => js.publish(`orders.${key}`, key)))],
    ["purge a subject", ({ jsm }) => jsm.streams.purge("orders", { filter: "orders.b" })],
    ["purge to a sequence", ({ jsm }) => jsm.streams.purge("orders", { seq: 11 })],
    ["purge all but one", ({ jsm }) => jsm.streams.purge("orders", { keep: 1 })],
    ["purge with sequence and keep", ({ jsm }) => jsm.streams.purge("orders", { seq: 1, keep: 1 } as { seq: number })],
    ["purge", ({ jsm }) => jsm.streams.purge("orders")],
    ["purge of no stream", ({ jsm }) => jsm.streams.purge("none")],
    ["info of the purged stream", ({ jsm }) => jsm.streams.info("orders")],

    ["update of the retention", ({ jsm }) => jsm.streams.update("orders", { retention: "interest" } as object)],
    ["the account with two streams", ({ jsm }) => jsm.getAccountInfo()],
    ["delete", ({ jsm }) => jsm.streams.delete("orders")],
    ["delete again", ({ jsm }) => jsm.streams.delete("orders")],
    ["delete the other", ({ jsm }) => jsm.streams.delete("options")],
    ["publish to the deleted stream", ({ js }) => js.publish("orders.new", "late", { timeout: 60_000 })],
    ["the account after all", ({ jsm }) => jsm.getAccountInfo()],
  ];
}

function headersOf(values: Readonly<Record<string, readonly string[]>>) {
  const all = headers();
  for (const [name, list] of Object.entries(values)) for (const value of list) all.append(name, value);
  return all;
}
