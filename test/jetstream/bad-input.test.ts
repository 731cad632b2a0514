/** Requests that nobody should send: the answer is nats-server's, nothing is lost, and no file is touched outside of the store. */
import { expect, test } from "bun:test";
import { live } from "../reference/recording.ts";
import { waitFor } from "../system/system-client.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import type { RawClient } from "./sequences/raw-client.ts";
import { type ServerKind, TestedServer } from "./sequences/tested-server.ts";

const request = (subject: string, payload = "") => ({ subject: `$JS.API.${subject}`, header: "", payload, replyEnd: "" });

/** @param more options of the server */
async function onBoth(
  ask: (client: RawClient, server: TestedServer) => Promise<string[]>,
  more = "",
): Promise<[ours: string[], theirs: string[]]> {
  const run = async (kind: ServerKind) => {
    await using server = await TestedServer.start(kind, ["enabled", "enabled"], "", more);
    const client = await server.client(0);
    const answers = await ask(client, server);
    expect(server.outside, `${kind}: files beside the store`).toEqual(["server.conf", "store"]);
    return answers;
  };
  return Promise.all([run("ours"), run("nats-server")]);
}

async function answersOf(client: RawClient, requests: readonly (readonly [subject: string, body: string])[]): Promise<string[]> {
  const answers = await client.askAll(requests.map(([subject, body]) => request(subject, body)));
  return answers.map(([answer]) => answer!.payload.toString().replace(/"\d{4}-\d\d-\d\dT[^"]*"/g, '"<time>"'));
}

/** Sends each request when the one before is answered. */
async function answersInTurn(client: RawClient, requests: readonly (readonly [subject: string, body: string])[]): Promise<string[]> {
  const texts: string[] = [];
  for (const one of requests) texts.push(...(await answersOf(client, [one])));
  return texts;
}

const NAMES = ["a/b", "../x", "..", "/etc/x", "a\\b", "a b", "", "x".repeat(256), "\u0000", "é", "~", "-rf", "%2e%2e", "a\nb"];

live.test("names of streams with characters of paths are refused, or stay within the store", async () => {
  const [ours, theirs] = await onBoth(client =>
    answersOf(
      client,
      NAMES.flatMap(name => {
        // Only a name without blanks, dots and line breaks can be a token of a subject.
        const token = /^[^\s.]+$/.test(name) ? Buffer.from(name).toString("latin1") : "x";
        const body = Buffer.from(JSON.stringify({ name, subjects: [`s${NAMES.indexOf(name)}`] })).toString("latin1");
        return [[`STREAM.CREATE.${token}`, body] as const];
      }),
    ),
  );
  expect(ours).toEqual(theirs);
});

const HUGE = `{"name":"BIG","subjects":["big"],"description":"${"x".repeat(900_000)}"}`;

live.test("configurations that are too long, too deep or cut are refused", async () => {
  const deep = `{"name":"D","metadata":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  const many = `{"name":"M","subjects":[${Array.from({ length: 50_000 }, () => '"m"').join(",")}]}`;
  const [ours, theirs] = await onBoth(client =>
    answersOf(client, [
      ["STREAM.CREATE.BIG", HUGE],
      ["STREAM.CREATE.D", deep],
      ["STREAM.CREATE.M", many],
      ["STREAM.CREATE.BIG", HUGE.slice(0, 500_000)],
      ["STREAM.NAMES", ""],
    ]),
  );
  expect(ours).toEqual(theirs);
});

live.test("a flood of requests is answered, each once, and what is stored stays", async () => {
  const [ours, theirs] = await onBoth(async client => {
    await client.ask(request("STREAM.CREATE.S", '{"name":"S","subjects":["s"]}'));
    await client.ask({ subject: "s", header: "", payload: "kept", replyEnd: "" });
    const flood = Array.from({ length: 3_000 }, (_, index) =>
      request(["STREAM.INFO.S", "STREAM.NAMES", "STREAM.CREATE.S"][index % 3]!, index % 3 === 2 ? "{" : ""),
    );
    const answers = await client.askAll(flood);
    const [kept] = await client.ask(request("STREAM.MSG.GET.S", '{"seq":1}'));
    return [String(answers.filter(got => got.length === 1).length), /"data":"[^"]*"/.exec(kept!.payload.toString())![0]];
  });
  expect(ours).toEqual(theirs);
});

/** What a client receives for raw lines, up to the answer to a PING. */
async function received(port: number, lines: string): Promise<string> {
  const connection = await WireConnection.open(port, "raw");
  await connection.takeLine(); // INFO
  const options = { verbose: false, pedantic: false, headers: true, protocol: 1, user: "A0", pass: "A0" };
  await connection.write(Buffer.from(`CONNECT ${JSON.stringify(options)}\r\nSUB answer.> 1\r\n${lines}PING\r\n`, "latin1"));
  await connection.waitFor(Buffer.from("PONG\r\n"));
  const text = Buffer.from(connection.received()).toString("latin1");
  connection.terminate();
  // INFO is sent again after the login.
  return text.replace(/INFO [^\n]*\n/g, "");
}

const REPLIES = [
  "$JS",
  "$JS.x",
  "$JS.API.STREAM.DELETE.S",
  "$JS.ACK.S.C.1.1.1.1.1",
  "$JSC.x",
  "$js.x",
  "$KV.x",
  "$SYS.x",
  "$NRG.x",
  "_R_.x",
];

live.test("a message whose reply is a subject of JetStream is refused, and nothing is stored or deleted", async () => {
  const [ours, theirs] = await onBoth(async (client, server) => {
    await client.ask(request("STREAM.CREATE.S", '{"name":"S","subjects":["s"]}'));
    const texts: string[] = [];
    for (const reply of REPLIES) {
      texts.push(`${reply}: ${await received(server.port, `PUB s ${reply} 1\r\nx\r\n`)}`);
      const block = "NATS/1.0\r\nNats-Expected-Stream: other\r\n\r\n";
      texts.push(`${reply}: ${await received(server.port, `HPUB s ${reply} ${block.length} ${block.length + 1}\r\n${block}x\r\n`)}`);
    }
    const [names, state] = await answersOf(client, [
      ["STREAM.NAMES", ""],
      ["STREAM.INFO.S", ""],
    ]);
    return [...texts, names!, /"messages":\d+/.exec(state!)![0]];
  });
  expect(ours).toEqual(theirs);
});

const DESTINATIONS = [
  "$JS.API.STREAM.DELETE.S",
  "$JS.>",
  "$JSC.x",
  "$SYS.x",
  "$NRG.x",
  "$KV.x",
  "s.copy",
  "copy.{{wildcard(1)}}",
  "",
  ">",
  "a b",
  "_INBOX.x",
];

live.test("a republish that would send requests, or begin a cycle, is refused or suppressed", async () => {
  const [ours, theirs] = await onBoth(async client => {
    const answers: string[] = [];
    for (const [index, dest] of DESTINATIONS.entries()) {
      if (dest === "") continue; // without a destination: docs/differences.md
      const body = JSON.stringify({ name: `R${index}`, subjects: [`r${index}.*`], republish: { src: ">", dest } });
      answers.push(...(await answersOf(client, [[`STREAM.CREATE.R${index}`, body]])));
      const [stored] = await client.ask({ subject: `r${index}.1`, header: "", payload: "x", replyEnd: "" });
      answers.push(stored!.header + stored!.payload);
    }
    return [...answers, ...(await answersOf(client, [["STREAM.NAMES", ""]]))];
  });
  expect(ours).toEqual(theirs);
});

const FORGED = ['{"acc":"A1"}', '{"acc":"A1","svc":"A1","client_type":"nats"}', "{", "[]", '"A1"', "", '{"acc":5}'];

live.test("requests with a forged Nats-Request-Info concern the account of the client", async () => {
  const [ours, theirs] = await onBoth(async (client, server) => {
    const other = await server.client(1);
    await other.ask(request("STREAM.CREATE.OTHER", '{"name":"OTHER","subjects":["o"]}'));
    const answers: string[] = [];
    for (const info of FORGED) {
      for (const key of ["Nats-Request-Info", "nats-request-info", "Nats-Request-Info "]) {
        const header = `NATS/1.0\r\n${key}: ${info}\r\n\r\n`;
        for (const subject of ["STREAM.NAMES", "STREAM.DELETE.OTHER"]) {
          const [answer] = await client.ask({ ...request(subject), header });
          answers.push(`${key}: ${info} ${subject} ${answer?.payload}`);
        }
      }
    }
    return [...answers, ...(await answersOf(other, [["STREAM.NAMES", ""]]))];
  });
  expect(ours).toEqual(theirs);
});

live.test(
  "configurations of 10 MB are decoded as a whole, or refused",
  async () => {
    const long = "x".repeat(10_000_000);
    const [ours, theirs] = await onBoth(
      client =>
        answersInTurn(client, [
          ["STREAM.CREATE.A", `{"name":"A","description":"${long}"}`],
          ["STREAM.CREATE.B", `{"name":"B","metadata":{"key":"${long}"}}`],
          ["STREAM.CREATE.C", `{"name":"C","subjects":["${long}"]}`],
          ["STREAM.CREATE.D", `{"name":"D","subjects":[${Array.from({ length: 500_000 }, (_, index) => `"d.${index}"`).join(",")}`],
          ["STREAM.CREATE.E", `{"name":"E","unknown":"${long}"}`],
          ["STREAM.CREATE.F", `{"name":"F"}${" ".repeat(10_000_000)}`],
          ["STREAM.NAMES", `{"subject":"${long}"}`],
          ["STREAM.NAMES", ""],
        ]).then(texts => texts.map(text => (text.length > 1_000 ? `${text.slice(0, 300)}… ${text.length}` : text))),
      "max_payload: 16MB",
    );
    expect(ours).toEqual(theirs);
  },
  120_000,
);

live.test("headers up to 65,535 bytes are stored, longer ones are refused", async () => {
  const [ours, theirs] = await onBoth(async client => {
    await client.ask(request("STREAM.CREATE.S", '{"name":"S","subjects":["s"]}'));
    await client.ask(request("STREAM.CREATE.M", '{"name":"M","subjects":["m"],"storage":"memory"}'));
    const answers: string[] = [];
    for (const bytes of [65_534, 65_535, 65_536, 70_000, 200_000]) {
      const empty = "NATS/1.0\r\nA: \r\n\r\n".length;
      const header = `NATS/1.0\r\nA: ${"h".repeat(bytes - empty)}\r\n\r\n`;
      for (const subject of ["s", "m"]) {
        const [answer] = await client.ask({ subject, header, payload: "x", replyEnd: "" });
        answers.push(`${subject} ${bytes}: ${answer?.payload}`);
      }
    }
    const stored = await answersOf(
      client,
      ["S", "M"].flatMap(name => [1, 2, 3].map(seq => [`STREAM.MSG.GET.${name}`, `{"seq":${seq}}`] as const)),
    );
    return [...answers, ...stored.map(text => `${text.length} ${Bun.hash(text)}`)];
  });
  expect(ours).toEqual(theirs);
});

/** Above 2^53 - 1 ours refuses: docs/differences.md. */
const FIRST = ["9007199254740991", "9007199254740990", "-1", "1e3", "1.5", "18446744073709551616", '"7"', "null", "00"];

live.test("a huge or invalid first_seq is taken or refused as a whole", async () => {
  const [ours, theirs] = await onBoth(async client => {
    const answers: string[] = [];
    for (const storage of ["file", "memory"]) {
      for (const [index, first] of FIRST.entries()) {
        const name = `${storage}${index}`;
        answers.push(
          ...(await answersOf(client, [
            [`STREAM.CREATE.${name}`, `{"name":"${name}","subjects":["${name}"],"storage":"${storage}","first_seq":${first}}`],
          ])),
        );
      }
      const [answer] = await client.ask({ subject: `${storage}1`, header: "", payload: "x", replyEnd: "" });
      answers.push(String(answer?.payload));
    }
    return answers;
  });
  expect(ours).toEqual(theirs);
});

const CUT: readonly (readonly [subject: string, body: string])[] = [
  ["STREAM.CREATE.S", '{"name":"S","subjects":["s",">"],"max_age":1000000000,"metadata":{"a\\u00e9":"b"},"no_ack":true}'],
  ["STREAM.UPDATE.S", '{"name":"S","republish":{"src":">","dest":"c.>"},"placement":null}'],
  ["STREAM.PURGE.S", '{"filter":"s","seq":12,"keep":0}'],
  ["STREAM.MSG.GET.S", '{"last_by_subj":"s","no_hdr":true}'],
  ["STREAM.MSG.DELETE.S", '{"seq":1e1,"no_erase":false}'],
  ["STREAM.NAMES", '{"offset":0,"subject":"s"}'],
  ["STREAM.LIST", '{"offset":-1}'],
  ["STREAM.INFO.S", '{"deleted_details":true,"subjects_filter":">"}'],
];

live.test("JSON that is cut at any byte, or has any byte replaced, is refused with the reference's error", async () => {
  const bodies = CUT.flatMap(([subject, body]) =>
    Array.from({ length: body.length }, (_, at) => [body.slice(0, at), `${body.slice(0, at)}\u0001${body.slice(at + 1)}`])
      .flat()
      .map(text => [subject, text] as const),
  ).filter(([subject, body]) => !(subject.startsWith("STREAM.MSG.DELETE") && body === ""));
  const [ours, theirs] = await onBoth(async client => {
    const texts = await answersInTurn(client, bodies);
    return texts.map((text, index) => `${bodies[index]!.join(" ")} → ${text}`);
  });
  expect(ours).toEqual(theirs);
});

test("requests above the limit of a queue are dropped, which is logged; later ones are answered", async () => {
  await using server = await TestedServer.start("ours", ["enabled"], "request_queue_limit: 16, info_queue_limit: 16");
  const client = await server.client(0);
  await client.ask(request("STREAM.CREATE.S", '{"name":"S","subjects":["s"]}'));
  await client.ask({ subject: "s", header: "", payload: "kept", replyEnd: "" });
  const block = "NATS/1.0\r\n\r\n";
  const flood = Array.from({ length: 500 }, (_, index) =>
    index % 2 === 0
      ? "PUB $JS.API.STREAM.NAMES 0\r\n\r\n"
      : `HPUB $JS.API.STREAM.CREATE.S ${block.length} ${block.length + 1}\r\n${block}{\r\n`,
  );
  await received(server.port, flood.join(""));
  for (const text of [
    "JetStream API queue limit reached, dropping 16 requests",
    "JetStream API info queue limit reached, dropping 16 requests",
  ]) {
    await waitFor(
      () => server.log.includes(text),
      () => server.log,
    );
  }
  const [kept] = await client.ask(request("STREAM.MSG.GET.S", '{"seq":1}'));
  expect(kept!.payload.toString()).toContain('"data":"a2VwdA=="');
});
