/** When the limits of an account are in force: from the first message that was stored in it, or the first purge, on. */
import { expect } from "bun:test";
import { live } from "../reference/recording.ts";
import { type ServerKind, TestedServer } from "./sequences/tested-server.ts";

const request = (subject: string, payload = "", header = "") => ({ subject, header, payload, replyEnd: "" });
const create = (name: string, more: object) =>
  request(`$JS.API.STREAM.CREATE.${name}`, JSON.stringify({ name, subjects: [name.toLowerCase()], ...more }));
const LARGE = "x".repeat(30_000);

/** What happens before the large message. */
const BEFORE: Readonly<Record<string, readonly ReturnType<typeof request>[]>> = {
  nothing: [],
  "a purge of an empty file stream": [request("$JS.API.STREAM.PURGE.F")],
  "a purge of an empty memory stream": [request("$JS.API.STREAM.PURGE.M")],
  "a purge with a filter": [request("$JS.API.STREAM.PURGE.F", '{"filter":"f"}')],
  "a purge of everything by a filter": [request("$JS.API.STREAM.PURGE.F", '{"filter":">"}')],
  "a purge below a sequence in a file stream": [request("$JS.API.STREAM.PURGE.F", '{"seq":5}')],
  "a purge below a sequence in a memory stream": [request("$JS.API.STREAM.PURGE.M", '{"seq":5}')],
  "a purge that keeps messages": [request("$JS.API.STREAM.PURGE.F", '{"keep":5}')],
  "a stream that was deleted": [request("$JS.API.STREAM.DELETE.I")],
  "a roll-up of nothing": [request("i", "", "NATS/1.0\r\nNats-Rollup: all\r\n\r\n")],
  "a roll-up of a subject without messages": [request("i", "", "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n")],
  "a message in memory": [request("m", "x")],
};

async function answers(kind: ServerKind): Promise<string[]> {
  const found: string[] = [];
  for (const [title, steps] of Object.entries(BEFORE)) {
    await using server = await TestedServer.start(kind, ["{ max_file: 20000, max_mem: 20000 }"]);
    const client = await server.client(0);
    const streams = [
      create("F", {}),
      create("M", { storage: "memory" }),
      create("I", { retention: "interest", allow_rollup_hdrs: true, storage: "memory" }),
    ];
    for (const step of [...streams, ...steps]) await client.ask(step);
    const [answer] = await client.ask(request("f", LARGE));
    found.push(`${title}: ${answer!.payload}`);
  }
  return found;
}

live.test(
  "the first large message is taken, unless something was stored or purged in the account before",
  async () => {
    const [ours, theirs] = await Promise.all([answers("ours"), answers("nats-server")]);
    expect(ours).toEqual(theirs);
    expect(theirs.filter(text => text.includes("10002")).length).toBeGreaterThan(2);
  },
  120_000,
);
