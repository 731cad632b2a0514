/** Answers of the JetStream API have the text that nats-server sends. */
import { expect } from "bun:test";
import { jsonPieces } from "../../src/base/go/json-stream.ts";
import {
  accountInfoValue,
  answer,
  refusal,
  storedMessageValue,
  streamInfoValue,
  streamStateValue,
} from "../../src/jetstream/api/answers.ts";
import { decodeRequest, isEmptyRequest, isJson } from "../../src/jetstream/api/decode-request.ts";
import {
  checkPurge,
  MESSAGE_DELETE_REQUEST,
  STREAM_INFO_REQUEST,
  STREAM_LIST_REQUEST,
  STREAM_NAMES_REQUEST,
  STREAM_PURGE_REQUEST,
} from "../../src/jetstream/api/requests.ts";
import { UNLIMITED } from "../../src/jetstream/config/account-limits.ts";
import { answeredMetadata } from "../../src/jetstream/config/metadata.ts";
import { defaultStreamConfig } from "../../src/jetstream/config/stream-config.ts";
import { type ApiError, apiError } from "../../src/jetstream/error/api-error.ts";
import { checkMessageGet, decodeDirectGet, decodeDirectGetBySubject, MESSAGE_GET_REQUEST } from "../../src/jetstream/stream/get-request.ts";
import { Message } from "../../src/store/contract/message.ts";
import { StoreState } from "../../src/store/contract/store-state.ts";
import { answerOfReference, comparable, Recording } from "../reference/recording.ts";
import { REFERENCE_VERSION } from "../reference/reference-server.ts";
import { type JetStreamClient, withJetStream } from "./jetstream-client.ts";
import { SETTINGS } from "./stream-decisions.ts";

const it = new Recording(import.meta.path);

const withReference = <T>(ask: (client: JetStreamClient) => Promise<T>) => withJetStream(SETTINGS.usual, ask);

const text = (value: object) => [...jsonPieces(value, 0)].join("");

const stored = defaultStreamConfig("S", { subjects: ["s.>"], storage: "memory", metadata: new Map([["_nats.req.level", "0"]]) });
const answered = { ...stored, metadata: answeredMetadata(stored.metadata, REFERENCE_VERSION) };
/** Any time: times are not compared. */
const [timeHigh, timeLow] = [395_812_350, 1_234];

function info(state: object, leader = "", config = answered): object {
  return streamInfoValue({ config, createdHigh: timeHigh, createdLow: timeLow, state, domain: "", leader, timeHigh, timeLow });
}

/** The server's name, which is its id. */
const SERVER = "<server>";

/** Messages at sequence 1 and 3, with 2 deleted. */
function stateOfThree(): StoreState {
  const timed = { firstTimeHigh: timeHigh, firstTimeLow: timeLow, lastTimeHigh: timeHigh, lastTimeLow: timeLow };
  return Object.assign(new StoreState(), { messages: 2, bytes: 48, firstSequence: 1, lastSequence: 3, subjects: 2, deleted: 1, ...timed });
}

it.compared("answers about a stream", async () => {
  const theirs = await answerOfReference(() =>
    withReference(async client => {
      const answers = [
        await client.ask("STREAM.NAMES"),
        await client.ask("STREAM.LIST"),
        await client.ask("INFO"),
        await client.ask("STREAM.CREATE.S", '{"name":"S","subjects":["s.>"],"storage":"memory"}'),
      ];
      for (const subject of ["s.a", "s.b<", "s.c"]) await client.connection.request(subject, "hello");
      for (const [subject, body] of [
        ["STREAM.MSG.DELETE.S", '{"seq":2}'],
        ["STREAM.MSG.GET.S", '{"seq":1}'],
        ["STREAM.INFO.S", ""],
        ["STREAM.INFO.S", '{"deleted_details":true,"subjects_filter":">"}'],
        ["STREAM.INFO.S", '{"subjects_filter":"nothing"}'],
        ["STREAM.INFO.S", '{"subjects_filter":">","offset":1}'],
        ["STREAM.NAMES", ""],
        ["STREAM.NAMES", '{"offset":5}'],
        ["STREAM.LIST", ""],
        ["STREAM.UPDATE.S", '{"name":"S","subjects":["s.>"],"storage":"memory"}'],
        ["STREAM.PURGE.S", ""],
        ["STREAM.INFO.S", ""],
        ["STREAM.DELETE.S", ""],
      ] as const) {
        answers.push(await client.ask(subject, body));
      }
      return answers;
    }),
  );
  const empty = new StoreState();
  const three = stateOfThree();
  const purged = Object.assign(new StoreState(), { firstSequence: 4, lastSequence: 3, lastTimeHigh: timeHigh, lastTimeLow: timeLow });
  const noUse = { memoryBytes: 0, storageBytes: 0, memoryReserved: 0, storageReserved: 0, streams: 0, consumers: 0, limits: UNLIMITED };
  const page = { total: 0, offset: 0, limit: 0 };
  const message = new Message();
  const payload = Buffer.from("hello");
  message.setSubject(Buffer.from("s.a"), 0, 3);
  message.setPayload(payload, 0, payload.length);
  Object.assign(message, { sequence: 1, timeHigh, timeLow });
  const deleted = [2, 1];
  const ours = [
    answer("streamNames", { total: 0, offset: 0, limit: 1_024, streams: null }),
    answer("streamList", { total: 0, offset: 0, limit: 256, streams: [] }),
    answer("accountInfo", accountInfoValue({ totals: noUse, domain: "", requests: 2, errors: 0, inFlight: 0, tiers: new Map() })),
    answer("streamCreate", { ...info(streamStateValue(empty, 0)), did_create: true }),
    answer("messageDelete", { success: true }),
    answer("messageGet", { message: storedMessageValue(message, false) }),
    answer("streamInfo", { ...page, ...info(streamStateValue(three, 0), SERVER) }),
    answer("streamInfo", {
      total: 2,
      offset: 0,
      limit: 100_000,
      ...info(
        streamStateValue(three, 0, {
          subjects: [
            ["s.a", 1],
            ["s.c", 1],
          ],
          deleted,
        }),
        SERVER,
      ),
    }),
    answer("streamInfo", { ...page, ...info(streamStateValue(three, 0), SERVER) }),
    answer("streamInfo", { total: 2, offset: 1, limit: 100_000, ...info(streamStateValue(three, 0, { subjects: [["s.c", 1]] }), SERVER) }),
    answer("streamNames", { total: 1, offset: 0, limit: 1_024, streams: ["S"] }),
    answer("streamNames", { total: 1, offset: 1, limit: 1_024, streams: null }),
    answer("streamList", { total: 1, offset: 0, limit: 256, streams: [info(streamStateValue(three, 0), "", stored)] }),
    answer("streamUpdate", info(streamStateValue(three, 0))),
    answer("streamPurge", { success: true, purged: 2 }),
    answer("streamInfo", { ...page, ...info(streamStateValue(purged, 0), SERVER) }),
    answer("streamDelete", { success: true }),
  ];
  expect(comparable(ours.map(text)).map(one => one.replaceAll("\\u003cserver\\u003e", SERVER))).toEqual(theirs);
});

/** Bodies of requests that are refused, by their subject without the stream. */
const REFUSED: readonly (readonly [subject: string, ...bodies: string[]])[] = [
  ["STREAM.NAMES", '{"offset":"x"}', "[]", '{"x":1}', '{"subject":5}', "[1"],
  ["STREAM.LIST", '{"offset":1.5}', "{"],
  ["STREAM.INFO", '{"deleted_details":1}', '{"subjects_filter":1}', '{"offset":true}', " {}x", "{}"],
  ["STREAM.PURGE", '{"seq":1,"keep":1}', '{"seq":-1}', '{"filter":1}', '{"keep":1e2}', "[]", "{}", "x"],
  ["STREAM.DELETE", "x", '{"a":1}', "[]", " {} ", "null", ""],
  ["STREAM.MSG.DELETE", "", "{}", " ", "x", '{"seq":"1"}', '{"seq":1,"x":2}', '{"seq":1}', "[]"],
  [
    "STREAM.MSG.GET",
    "",
    "{}",
    "x",
    '{"seq":1,"last_by_subj":"a"}',
    '{"batch":1,"seq":1}',
    '{"max_bytes":1,"seq":1}',
    '{"seq":1,"start_time":"2024-01-01T00:00:00Z"}',
    '{"last_by_subj":"a","start_time":"2024-01-01T00:00:00Z"}',
    '{"last_by_subj":"a","next_by_subj":"b"}',
    '{"start_time":"x"}',
    '{"no_hdr":true}',
    '{"multi_last":["a"]}',
    '{"seq":18446744073709551616}',
    '{"seq":1}',
  ],
];

const KINDS = {
  "STREAM.NAMES": "streamNames",
  "STREAM.LIST": "streamList",
  "STREAM.INFO": "streamInfo",
  "STREAM.PURGE": "streamPurge",
  "STREAM.DELETE": "streamDelete",
  "STREAM.MSG.DELETE": "messageDelete",
  "STREAM.MSG.GET": "messageGet",
} as const;

/** What is wrong with a body; without a fault the stream, which does not exist, is not found. */
function faultOf(subject: keyof typeof KINDS, body: Buffer): ApiError {
  const notFound = apiError("StreamNotFound");
  switch (subject) {
    case "STREAM.NAMES":
      return decodeRequest(STREAM_NAMES_REQUEST, body, true).error ?? notFound;
    case "STREAM.LIST":
      return decodeRequest(STREAM_LIST_REQUEST, body, true).error ?? notFound;
    case "STREAM.INFO":
      return (isJson(body) ? decodeRequest(STREAM_INFO_REQUEST, body, true).error : null) ?? notFound;
    case "STREAM.DELETE":
      return isEmptyRequest(body) ? notFound : apiError("NotEmptyRequest");
    case "STREAM.PURGE": {
      if (!isJson(body)) return notFound;
      const { value, error } = decodeRequest(STREAM_PURGE_REQUEST, body, true);
      return error ?? checkPurge(value!) ?? notFound;
    }
    case "STREAM.MSG.DELETE":
      return isEmptyRequest(body) ? apiError("BadRequest") : (decodeRequest(MESSAGE_DELETE_REQUEST, body, true).error ?? notFound);
    case "STREAM.MSG.GET": {
      if (isEmptyRequest(body)) return apiError("BadRequest");
      const { value, error } = decodeRequest(MESSAGE_GET_REQUEST, body, true);
      return error ?? checkMessageGet(value!) ?? notFound;
    }
  }
}

it.compared("refused requests", async () => {
  const requests = REFUSED.flatMap(([subject, ...bodies]) => bodies.map(body => [subject as keyof typeof KINDS, body] as const));
  const theirs = await answerOfReference(() =>
    withReference(async client => {
      const answers: string[] = [];
      for (const [subject, body] of requests) {
        answers.push(await client.ask(subject === "STREAM.NAMES" || subject === "STREAM.LIST" ? subject : `${subject}.S`, body));
      }
      return answers;
    }),
  );
  const ours = comparable(requests.map(([subject, body]) => text(refusal(KINDS[subject], faultOf(subject, Buffer.from(body))))));
  expect(ours.map((answered, index) => [requests[index]!, answered])).toEqual(
    theirs.map((answered, index) => [requests[index]!, answered]),
  );
});

const DIRECT_GETS = [
  "",
  "{}",
  "x",
  "[]",
  "{",
  '{"seq":"1"}',
  '{"seq":1}',
  '{"seq":1,"unknown":2}',
  '{"seq":1} x',
  '{"last_by_subj":"d.a"}',
  '{"next_by_subj":"d.a"}',
  '{"seq":1,"last_by_subj":"d.a"}',
  '{"seq":1,"start_time":"2024-01-01T00:00:00Z"}',
  '{"start_time":"2024-01-01T00:00:00Z","last_by_subj":"d.a"}',
  '{"last_by_subj":"d.a","next_by_subj":"d.a"}',
  '{"last_by_subj":"d.a","batch":1}',
  '{"last_by_subj":"d.a","multi_last":["d.a"]}',
  '{"next_by_subj":"d.a","multi_last":["d.a"]}',
  '{"multi_last":["x"],"up_to_seq":1,"up_to_time":"2024-01-01T00:00:00Z"}',
  '{"multi_last":[]}',
  '{"batch":5}',
  '{"start_time":null}',
  '{"seq":18446744073709551615}',
];

it.compared("requests of direct gets", async () => {
  const theirs = await answerOfReference(() =>
    withReference(async client => {
      await client.ask("STREAM.CREATE.D", '{"name":"D","subjects":["d.>"],"allow_direct":true}');
      await client.connection.request("d.a", "hello");
      const statuses: string[] = [];
      for (const subject of ["DIRECT.GET.D", "DIRECT.GET.D.d.a"]) {
        for (const body of DIRECT_GETS) statuses.push(await client.status(subject, body));
      }
      return statuses;
    }),
  );
  const outcome = (request: ReturnType<typeof decodeDirectGet>) => {
    if (typeof request === "string") return request;
    // The only message has sequence 1.
    return request.sequence > 1 ? "404 Message Not Found" : "found";
  };
  const bodies = DIRECT_GETS.map(body => Buffer.from(body));
  const ours = [...bodies.map(decodeDirectGet), ...bodies.map(body => decodeDirectGetBySubject(body, "d.a"))].map(outcome);
  const titled = (statuses: readonly string[]) => statuses.map((status, index) => [DIRECT_GETS[index % DIRECT_GETS.length]!, status]);
  expect(titled(ours)).toEqual(titled(theirs));
});
