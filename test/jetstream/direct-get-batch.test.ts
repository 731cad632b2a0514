/** Batches of direct gets on both stores: every message in order, and the server works for others in between. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection, headers as newHeaders } from "@nats-io/transport-node";
import { SHARE_UNITS } from "../../src/base/scheduling/work-meter.ts";
import { loadConfigText } from "../../src/config/schema/load-config.ts";
import { TestServer } from "../faults/test-server.ts";

const MESSAGES = 20_000;
const MESSAGES_SHORT = 700;
/** Small shares, so that a batch is many slices long. Without pauses it is one slice, however long it is. */
const TEST_SHARE_UNITS = SHARE_UNITS / 8;
const SLICES_MIN = 15;

interface Answer {
  readonly sequence: string;
  readonly last: string;
  readonly pending: string;
  readonly text: string;
}

/** Messages of a batch, and the status that ends it. */
async function batchOf(client: NatsConnection, request: object): Promise<{ answers: Answer[]; end: string }> {
  const inbox = "_INBOX.batch";
  const subscription = client.subscribe(inbox);
  client.publish("$JS.API.DIRECT.GET.S", JSON.stringify(request), { reply: inbox });
  const answers: Answer[] = [];
  for await (const message of subscription) {
    const headers = message.headers!;
    if (headers.code !== 0) return { answers, end: `${headers.code} ${headers.description} ${headers.get("Nats-Num-Pending")}` };
    answers.push({
      sequence: headers.get("Nats-Sequence"),
      last: headers.get("Nats-Last-Sequence"),
      pending: headers.get("Nats-Num-Pending"),
      text: `${message.headers!.get("Nats-Subject")} ${message.headers!.get("Own")} ${message.string()}`,
    });
  }
  throw new Error("the batch did not end");
}

/** Subject, header and payload of a message; some have no header, some no payload, some are long. */
function partsOf(sequence: number): { subject: string; own: string; payload: string } {
  return {
    subject: `s.${sequence % 3 === 0 ? "other" : "one"}`,
    own: sequence % 5 === 0 ? `h${sequence}` : "",
    payload: sequence % 7 === 0 ? "" : `${sequence}`.repeat(sequence % 11 === 0 ? 100 : 3),
  };
}

for (const storage of ["file", "memory"]) {
  test(`${storage}: a batch has every message once, in order, with what is left, and is divided into slices`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "bunats-batch-"));
    const { options } = loadConfigText(`jetstream { store_dir: "${directory}" }`);
    const server = await TestServer.openWithJetStream({ ...options, host: "127.0.0.1", port: 0 });
    const client = await connect({ servers: `127.0.0.1:${server.port}`, reconnect: false });
    try {
      const config = { name: "S", subjects: ["s.>"], storage, allow_direct: true };
      await client.request("$JS.API.STREAM.CREATE.S", JSON.stringify(config));
      for (let sequence = 1; sequence <= MESSAGES; sequence++) {
        const { own, payload, subject } = partsOf(sequence);
        const headers = newHeaders();
        if (own !== "") headers.set("Own", own);
        client.publish(subject, payload, own === "" ? {} : { headers });
      }
      await client.flush();
      const expected = (from: number, count: number) =>
        Array.from({ length: count }, (_, index) => {
          const sequence = from + index;
          const { own, payload, subject } = partsOf(sequence);
          return {
            sequence: `${sequence}`,
            last: `${index === 0 ? 0 : sequence - 1}`,
            pending: `${MESSAGES - sequence}`,
            text: `${subject} ${own} ${payload}`,
          };
        });
      const short = await batchOf(client, { seq: 9_990, batch: MESSAGES_SHORT });
      expect(short).toEqual({ answers: expected(9_990, MESSAGES_SHORT), end: `204 EOB ${MESSAGES - 9_990 - MESSAGES_SHORT + 1}` });
      const { scheduler } = server.turn;
      scheduler.shareUnits = TEST_SHARE_UNITS;
      const before = scheduler.round;
      const long = await batchOf(client, { seq: 1, batch: MESSAGES });
      expect(scheduler.round - before).toBeGreaterThanOrEqual(SLICES_MIN);
      expect(long).toEqual({ answers: expected(1, MESSAGES), end: "204 EOB 0" });
    } finally {
      await client.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }, 60_000);
}
