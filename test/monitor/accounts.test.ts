/** Monitoring over HTTP with accounts: their exports, imports, connections and traffic, compared with the reference. */
import { expect, test } from "bun:test";
import { Recording } from "../reference/recording.ts";
import { CONFIG } from "../system/config.ts";
import { withoutVariableValues } from "../system/system-client.ts";
import { client, endClient, get, json } from "./monitored-pair.ts";
import { lookAtBoth } from "./same-config.ts";

const it = new Recording(import.meta.path, [
  [/_R_\.\w{6}\.(\w{6})?/g, "<response>."],
  [/"sid":"\d*"/g, '"sid":"<sid>"'],
  [/"\/connz":\d+/g, '"/connz":"<number>"'],
]);

const QUERIES: readonly string[] = [
  "/accountz",
  ...["A", "B", "SYS", "$G", "unknown"].map(name => `/accountz?acc=${name}`),
  "/accstatz",
  "/accstatz?unused=1",
  ...["", "state=closed", "state=all"].flatMap(state => [
    `/connz?${state}`,
    `/connz?${state}&auth=1`,
    `/connz?${state}&auth=1&subs=detail`,
    `/connz?${state}&acc=A&auth=1`,
    `/connz?${state}&acc=B`,
    `/connz?${state}&user=b&auth=1`,
    `/connz?${state}&user=b&acc=A`,
    `/connz?${state}&acc=unknown`,
  ]),
  "/subsz?acc=A&subs=1",
  "/subsz?acc=B&subs=1",
  "/subsz?acc=A&subs=1&test=str.a",
  "/subsz?acc=unknown&subs=1",
  "/varz",
  "/varz?again",
];

const seen = await it.page("answers", () =>
  lookAtBoth(CONFIG, async server => {
    const as = (user: string, name: string, commands = "") => client(server, { user, pass: "p", name, lang: "go", version: "1" }, commands);
    await endClient(server, await as("b", "closed", "SUB pre.str.a 1\r\nSUB own q 2\r\n"), "closed");
    const open = [
      await as("plain", "exporter", "SUB svc.x 1\r\nSUB n.* 2\r\n"),
      await as("b", "importer", "SUB pre.str.a q 1\r\nSUB here.* 2\r\nSUB answer 3\r\n"),
      await as("sys", "operator"),
    ];
    await open[1]!.write(Buffer.from("PUB mine answer 2\r\nhi\r\nPING\r\n"));
    await open[1]!.waitFor(Buffer.from("PONG\r\n"));
    await open[0]!.waitFor(Buffer.from("\r\nhi\r\n"));
    while ((await json(server, "/connz")).connections.some((one: { pending_bytes: number }) => one.pending_bytes > 0));
    const answers = new Map<string, unknown>();
    for (const query of QUERIES) {
      const { status, type, body } = await get(server, query);
      answers.set(query, { status, type, body: body.startsWith("{") ? withoutVariableValues(JSON.parse(body)) : body });
    }
    for (const one of open) one.close();
    return Object.fromEntries(answers);
  }),
);

/** The answer as lines, with random names, request counts and the sids of the server's own subscriptions replaced. */
function lines(answer: unknown): string[] {
  const text = JSON.stringify(answer, null, 1)
    .replace(/_R_\.\w{6}\.(\w{6})?/g, "<response>.")
    .replace(/"sid": "\d*"/g, '"sid": "<sid>"');
  return text.replace(/"\/connz": \d+/, '"/connz": "<number>"').split("\n");
}

for (const query of QUERIES) {
  test(`with accounts ${query} has the reference's answer`, () => {
    const [ours, theirs] = seen.map(answers => lines(answers[query]));
    expect(ours).toEqual(theirs!);
  });
}
