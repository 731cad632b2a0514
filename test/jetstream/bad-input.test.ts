/** Requests that nobody should send: the answer is nats-server's, nothing is lost, and no file is touched outside of the store. */
import { expect } from "bun:test";
import { live } from "../reference/recording.ts";
import type { RawClient } from "./sequences/raw-client.ts";
import { type ServerKind, TestedServer } from "./sequences/tested-server.ts";

const request = (subject: string, payload = "") => ({ subject: `$JS.API.${subject}`, header: "", payload, replyEnd: "" });

async function onBoth(ask: (client: RawClient) => Promise<string[]>): Promise<[ours: string[], theirs: string[]]> {
  const run = async (kind: ServerKind) => {
    await using server = await TestedServer.start(kind, ["enabled"]);
    const client = await server.client(0);
    const answers = await ask(client);
    expect(server.outside, `${kind}: files beside the store`).toEqual(["server.conf", "store"]);
    return answers;
  };
  return Promise.all([run("ours"), run("nats-server")]);
}

async function answersOf(client: RawClient, requests: readonly (readonly [subject: string, body: string])[]): Promise<string[]> {
  const answers = await client.askAll(requests.map(([subject, body]) => request(subject, body)));
  return answers.map(([answer]) => answer!.payload.toString().replace(/"\d{4}-\d\d-\d\dT[^"]*"/g, '"<time>"'));
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
