/** /jsz, /healthz and /metrics about streams in given states. test/monitor/jetstream.test.ts compares with nats-server. */
import { expect, test } from "bun:test";
import { reportedAccount, reportedStream, reportOf } from "../../../test/doubles/jetstream-report.ts";
import { jsonPieces } from "../../base/go/json-stream.ts";
import { SILENT } from "../../base/log/silent-logger.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import { completeOptions } from "../../config/schema/complete-options.ts";
import type { Options } from "../../config/schema/options.ts";
import { Server } from "../../server/process/server.ts";
import type { HttpRequest } from "../http/http-request.ts";
import { EndpointError } from "./endpoint-error.ts";
import { type Health, type HealthzOptions, healthzOf } from "./healthz.ts";
import type { JetStreamReport } from "./jetstream-report.ts";
import { accountJszOf, type JszOptions, jszOf, NO_JSZ_OPTIONS } from "./jsz.ts";
import { metrics } from "./metrics.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import { Query } from "./query.ts";

const OPTIONS = completeOptions({ port: 0, systemAccount: null, serverName: "one" });
const ENABLED: Options = { ...OPTIONS, jetStream: { ...OPTIONS.jetStream, enabled: true } };

/** Runs a computation; counts its pauses. */
function run<T>(sliced: Sliced<T>): { value: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const { done, value } = sliced.next();
    if (done) return { value, pauses };
  }
}

/** A server that never listens, with JetStream in this state. @param report null: JetStream could not start */
function serverWith(report: JetStreamReport | null): MonitoredServer {
  const server = new Server(OPTIONS, { log: SILENT });
  return Object.create(server, {
    jetStream: { value: report },
    options: { value: ENABLED },
    missingListeners: { value: [] },
  }) as MonitoredServer;
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the fields of an answer
function jsz(report: JetStreamReport, options: Partial<JszOptions> = {}): any {
  return JSON.parse([...jsonPieces(run(jszOf(serverWith(report), { ...NO_JSZ_OPTIONS, ...options })).value, 2)].join(""));
}

const names = (answer: { account_details?: { id: string }[] }) => answer.account_details?.map(({ id }) => id);

const three = ["c", "a", "b"].map(name => reportedAccount(name, [reportedStream("S", 2)]));

test("accounts are shown when they are asked for, in order, a page at a time; totals count all", () => {
  const report = reportOf(three);
  expect(names(jsz(report))).toBe(undefined);
  expect(names(jsz(report, { accounts: true }))).toEqual(["a", "b", "c"]);
  expect(names(jsz(report, { streams: true }))).toEqual(["a", "b", "c"]);
  expect(names(jsz(report, { consumers: true }))).toEqual(["a", "b", "c"]);
  expect(names(jsz(report, { config: true, raft: true }))).toBe(undefined);
  expect(names(jsz(report, { accounts: true, offset: 1, limit: 1 }))).toEqual(["b"]);
  expect(names(jsz(report, { accounts: true, offset: -3, limit: 2 }))).toEqual(["a", "b"]);
  expect(names(jsz(report, { accounts: true, offset: 9 }))).toBe(undefined);
  expect(names(jsz(report, { accounts: true, offset: 2, limit: -1 }))).toEqual(["a", "b", "c"]);
  expect(names(jsz(report, { account: "b", offset: 9 }))).toEqual(["b"]);
  expect(names(jsz(report, { account: "none", streams: true }))).toBe(undefined);
  expect(names(jsz(report, { account: "none", accounts: true }))).toEqual(["a", "b", "c"]);
  expect(jsz(report, { accounts: true, limit: 1 })).toMatchObject({ total: 3, streams: 3, messages: 6, bytes: 60 });
});

test("streams have their state, and their configuration on request", () => {
  const report = reportOf([reportedAccount("a", [reportedStream("Z", 1), reportedStream("A", 3)])]);
  const [account] = jsz(report, { streams: true }).account_details;
  const state = { bytes: 30, first_seq: 1, first_ts: "0001-01-01T00:00:00Z", last_seq: 3, last_ts: "0001-01-01T00:00:00Z" };
  expect(account.stream_detail.map(({ name }: { name: string }) => name)).toEqual(["A", "Z"]);
  expect(account.stream_detail[0]).toEqual({
    name: "A",
    created: "1970-01-01T00:00:00Z",
    cluster: { leader: "one" },
    state: { messages: 3, ...state, consumer_count: 0 },
  });
  const [configured] = jsz(report, { streams: true, config: true, raft: true }).account_details;
  expect(configured.stream_detail[0].config).toMatchObject({ name: "A", storage: "file" });
  expect(jsz(report, { raft: true }).streams_leader).toBe(2);
});

test("numbers beyond 2^53 and limits below 0 are written as the reference writes them", () => {
  const answer = run(jszOf(serverWith(reportOf([reportedAccount("a", [])])), { ...NO_JSZ_OPTIONS, accounts: true })).value;
  const text = [...jsonPieces(answer, 0)].join("");
  expect(text).toContain('"reserved_storage":1152921504606846976');
  expect(text).toContain('"reserved_memory":18446744073709551615,"reserved_storage":18446744073709551615');
});

test("an answer about ten thousand streams pauses often and is written in small pieces", () => {
  const COUNT = 10_000;
  const streams = Array.from({ length: COUNT }, (_, index) => reportedStream(`s${COUNT - index}`, 1));
  const { value, pauses } = run(
    jszOf(serverWith(reportOf([reportedAccount("a", streams)])), { ...NO_JSZ_OPTIONS, streams: true, config: true }),
  );
  expect(pauses).toBeGreaterThan(COUNT / 1_024);
  const pieces = [...jsonPieces(value, 2)].map(({ length }) => length);
  expect(Math.max(...pieces)).toBeLessThan(32 * 1024);
});

test("one account: without JetStream on the server, unknown, without JetStream, and with it", () => {
  const server = serverWith(reportOf([reportedAccount("$G", [reportedStream("S")])]));
  const text = (monitored: MonitoredServer, name: string) => {
    try {
      return accountJszOf(monitored, name, NO_JSZ_OPTIONS);
    } catch (error) {
      if (error instanceof EndpointError) return error.message;
      throw error;
    }
  };
  expect(text(serverWith(null), "$G")).toBe("jetstream not enabled");
  expect(text(server, "x")).toBe('account "x" not found');
  expect(text(serverWith(reportOf([])), "$G")).toBe('account "$G" not jetstream enabled');
  expect(text(server, "$G")).toMatchObject({ name: "$G", id: "$G" });
});

const ALL: HealthzOptions = { account: "", stream: "", consumer: "", details: false, enabledOnly: false, serverOnly: false };

function health(report: JetStreamReport | null, options: Partial<HealthzOptions> = {}): Health {
  return run(healthzOf(serverWith(report), { ...ALL, ...options })).value;
}

test("a server whose JetStream did not start is unavailable, unless JetStream is not asked about", () => {
  const error = "JetStream not enabled (10076)";
  expect(health(null)).toEqual({ status: "unavailable", status_code: 503, error });
  expect(health(null, { enabledOnly: true, details: true })).toEqual({
    status: "error",
    status_code: 503,
    errors: [{ type: "JETSTREAM", error }],
  });
  expect(health(null, { serverOnly: true })).toEqual({ status: "ok", status_code: 200 });
});

const failing = reportedAccount(
  "a",
  [
    reportedStream("S2", 1, { failure: new Error("input/output error") }),
    reportedStream("S1"),
    reportedStream("M", 1, { storage: "memory", failure: new Error("never") }),
  ],
  { offline: new Map([["S0", { isUnsupported: false, reason: "unreadable" }]]) },
);

test("streams that cannot be used are reported by name: the first, or all with their details", () => {
  const recovered = "JetStream stream 'a > S0' could not be recovered";
  const written = "JetStream stream 'a > S2' write error: input/output error";
  const report = reportOf([reportedAccount("b", []), failing]);
  expect(health(report)).toEqual({ status: "unavailable", status_code: 503, error: recovered });
  expect(health(report, { enabledOnly: true })).toEqual({ status: "ok", status_code: 200 });
  expect(health(report, { details: true })).toEqual({
    status: "error",
    status_code: 503,
    errors: [
      { type: "STREAM", account: "a", stream: "S0", error: recovered },
      { type: "STREAM", account: "a", stream: "S2", error: written },
    ],
  });
  expect(health(report, { account: "a", stream: "S2" }).error).toBe(written);
  expect(health(report, { account: "a", stream: "S1" })).toEqual({ status: "ok", status_code: 200 });
  expect(health(report, { account: "a", stream: "M" }).status_code).toBe(404);
  expect(health(report, { account: "b" })).toEqual({ status: "ok", status_code: 200 });
});

test("an expired account is reported only when it is asked for", () => {
  const expired = { ...failing, account: { name: "a", nameTag: "", expired: true } };
  expect(health(reportOf([expired]))).toEqual({ status: "ok", status_code: 200 });
  expect(health(reportOf([expired]), { account: "a", stream: "none" })).toEqual({
    status: "unavailable",
    status_code: 503,
    error: "JetStream account 'a' is expired",
  });
});

test("lost messages are listed, and the server stays healthy", () => {
  const report = reportOf([reportedAccount("a", [reportedStream("S", 3, { lost: [2, 4] }), reportedStream("T")])]);
  expect(health(report)).toEqual({
    status: "ok",
    status_code: 200,
    lost: [{ account: "a", stream: "S", messages: 2, sequences: [2, 4] }],
  });
});

test("metrics of JetStream have the exporter's names and labels", () => {
  const tagged = reportedAccount("ID", [reportedStream("S", 3)], { account: { name: "ID", nameTag: "tag", expired: false } });
  const server = serverWith(reportOf([tagged], { domain: "hub", memoryBytesMax: 5, fileBytesMax: 6 }));
  const request = { header: () => "" } as unknown as HttpRequest;
  const { body } = run(metrics({ server }, new Query(new Map()), request) as Sliced<{ body: unknown }>).value;
  const text = [...(body as Iterable<string>)].join("");
  const labels = `{server_id="${server.identity.id}",server_name="one",cluster="",domain="hub",meta_leader="",is_meta_leader="true"`;
  const stream = `${labels},account="tag",account_id="ID",stream_name="S",stream_leader="one",is_stream_leader="true"}`;
  for (const line of [
    `jetstream_server_jetstream_disabled${labels}} 0`,
    `jetstream_server_max_memory${labels}} 5`,
    `jetstream_server_max_storage${labels}} 6`,
    `jetstream_server_total_streams${labels}} 1`,
    `jetstream_server_total_messages${labels}} 3`,
    `jetstream_stream_total_messages${stream} 3`,
    `jetstream_stream_total_bytes${stream} 30`,
    `jetstream_stream_first_seq${stream} 1`,
    `jetstream_stream_last_seq${stream} 3`,
    `gnatsd_varz_jetstream_stats_api_total{server_id="${server.identity.id}"} 7`,
  ])
    expect(text.split("\n")).toContain(line);
});
