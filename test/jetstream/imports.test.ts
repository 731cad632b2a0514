/** Publishing into a stream of another account, by imported services and streams: acknowledgements come back as with nats-server. */
import { expect } from "bun:test";
import { live } from "../reference/recording.ts";
import type { RawClient } from "./sequences/raw-client.ts";
import type { Publication } from "./sequences/step.ts";
import { type ServerKind, TestedServer } from "./sequences/tested-server.ts";

/** A0 has the streams. A1 publishes by services, also under another subject; A2 exports a stream of messages; A3 goes through A1. */
const ACCOUNTS = [
  `enabled, exports: [{ service: "s.>" }, { service: "q.>", response_type: stream }, { service: "shared" }], imports: [{ stream: { account: A2, subject: "out.>" }, prefix: "in" }]`,
  `disabled, imports: [
    { service: { account: A0, subject: "s.>" } }, { service: { account: A0, subject: "q.>" }, to: "mine.>" }, { service: { account: A0, subject: "shared" }, share: true }
  ], exports: [{ service: "s.>" }]`,
  `disabled, exports: [{ stream: "out.>" }]`,
  `disabled, imports: [{ service: { account: A1, subject: "s.>" } }]`,
];

const message = (subject: string, more: Partial<Publication> = {}): Publication => ({
  subject,
  header: "",
  payload: "x",
  replyEnd: "",
  ...more,
});
const header = (...lines: string[]) => `NATS/1.0\r\n${lines.map(line => `${line}\r\n`).join("")}\r\n`;
const FAST = ".uuid.10.ok.1.0.$FI";

async function answersOf(client: RawClient, messages: readonly Publication[]): Promise<string[]> {
  const texts: string[] = [];
  for (const each of messages) {
    const [answer] = await client.ask(each);
    texts.push(`${each.subject} ${each.replyEnd} ${answer === undefined ? "no answer" : answer.header + answer.payload}`);
  }
  return texts;
}

async function ackOf(owner: RawClient, exporter: RawClient, published: Publication): Promise<string> {
  void exporter.ask(published).catch(() => {}); // no answer comes back, so the end of the client is
  await owner.untilTaken(1, () => true);
  return owner.taken()[0]!.payload.toString();
}

async function conversation(kind: ServerKind): Promise<readonly unknown[]> {
  await using server = await TestedServer.start(kind, ACCOUNTS);
  const [owner, importer, exporter, chained] = await Promise.all([0, 1, 2, 3].map(account => server.client(account)));
  const create = (name: string, subjects: string[], more = {}) =>
    message(`$JS.API.STREAM.CREATE.${name}`, { payload: JSON.stringify({ name, subjects, ...more }) });
  await answersOf(owner!, [
    create("S", ["s.>"], { max_msg_size: 100 }),
    create("Q", ["q.>", "shared"], { no_ack: false }),
    create("IN", ["in.>"]),
  ]);
  const answers = [
    await answersOf(importer!, [
      message("s.1"),
      message("s.1", { payload: "y".repeat(200) }),
      message("s.1", { header: header("Nats-Msg-Id: a") }),
      message("s.1", { header: header("Nats-Msg-Id: a") }),
      message("s.1", { header: header('Nats-Request-Info: {"acc":"A0"}', "Other: 1") }),
      message("mine.1"),
      message("shared"),
      message("s.1", { replyEnd: FAST }),
      message("mine.2", { replyEnd: FAST }),
      message("s.1", { replyEnd: ".$FI" }),
      message("s.1", { header: header("Nats-Batch-Id: b", "Nats-Batch-Sequence: 1") }),
    ]),
    await answersOf(chained!, [message("s.2"), message("s.2", { replyEnd: FAST })]),
    await answersOf(owner!, [message("s.3", { replyEnd: FAST }), message("in.1")]),
    // The acknowledgement is published in A0, on the reply that the message had in A2.
    await ackOf(owner!, exporter!, message("out.1")),
  ];
  const stored = await answersOf(
    owner!,
    ["S", "Q", "IN"].flatMap(name =>
      Array.from({ length: 6 }, (_, index) => message(`$JS.API.STREAM.MSG.GET.${name}`, { payload: `{"seq":${index + 1}}` })),
    ),
  );
  return [...answers, stored.map(text => text.replace(/"time":"[^"]*"/, ""))];
}

live.test(
  "what is published through imports is stored once, and its publisher gets the answer of nats-server",
  async () => {
    const [ours, theirs] = await Promise.all([conversation("ours"), conversation("nats-server")]);
    expect(ours).toEqual(theirs);
  },
  60_000,
);
