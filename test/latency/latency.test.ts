/** Latency metrics of services, compared with nats-server. */
import { expect, test } from "bun:test";
import { runOnBothServers } from "../msgtrace/both-servers.ts";
import { publish, runTraceScenario, type TraceScenario, type TraceStep } from "../msgtrace/trace-scenario.ts";
import { Recording } from "../reference/recording.ts";
import { startOurServer } from "../wire/our-server.ts";

const it = new Recording(import.meta.path);

interface Services {
  readonly latency?: string;
  readonly share?: boolean;
  readonly threshold?: string;
  readonly allowTrace?: boolean;
}

/** S exports `svc`, R imports it as `req` and exports that, and C imports it as `far`. */
function services({ latency = "metric", share = false, threshold = "10s", allowTrace = false }: Services = {}): string {
  return `accounts {
    S { users: [ {user: eve, password: eve}, {user: sam, password: sam} ]
        exports: [ {service: svc, latency: ${latency}, response_threshold: "${threshold}", allow_trace: ${allowTrace}} ] }
    R { users: [ {user: ann, password: ann} ]
        exports: [ {service: req, latency: {sampling: 100%, subject: second}} ]
        imports: [ {service: {account: S, subject: svc}, to: req, share: ${share}} ] }
    C { users: [ {user: cat, password: cat} ]
        imports: [ {service: {account: R, subject: req}, to: far, share: true} ] }
  }`;
}

const base = {
  users: { eve: {}, sam: {}, ann: { no_responders: true }, cat: {} },
  subscriptions: { eve: ["metric"], sam: ["svc"], ann: ["inbox", "second"], cat: ["inbox"] },
};

const requestAndAnswer = (headers?: Record<string, string>): TraceStep[] => [
  { user: "ann", send: publish("req", { reply: "inbox", payload: "?", headers }) },
  { user: "sam", send: publish("{reply}", { payload: "!" }) },
];

function metricsOf(notes: readonly (readonly string[])[]): string[] {
  return notes.flat().filter(note => note.startsWith("eve: metric"));
}

for (const share of [false, true]) {
  it.compared(`an answer causes a metric of status 200, whose requester is ${share ? "shown in detail" : "only an account"}`, async () => {
    const steps = [
      ...requestAndAnswer(),
      ...requestAndAnswer({ Key: "value" }),
      { user: "sam", send: publish("{reply}", { payload: "late" }) },
    ];
    const metrics = metricsOf(await runOnBothServers({ ...base, config: services({ share }), steps }));
    expect(metrics.map(metric => metric.includes('"status":200'))).toEqual([true, true]);
    expect(metrics.map(metric => metric.includes("N-ann"))).toEqual([share, share]);
  });
}

it.compared(`a request without a reply causes a metric of status 400, and the service receives it`, async () => {
  const steps = [{ user: "ann", send: publish("req", { payload: "?" }) }];
  const metrics = metricsOf(await runOnBothServers({ ...base, config: services(), steps }));
  expect(metrics.map(metric => /"status":400,"description":"Bad Request"/.test(metric))).toEqual([true]);
});

it.compared(`a request without responders causes a metric of status 503`, async () => {
  const steps = [
    { user: "sam", send: "UNSUB 1\r\n" },
    { user: "ann", send: publish("req", { reply: "inbox" }) },
    { user: "ann", send: publish("req", { reply: "elsewhere" }) },
  ];
  const metrics = metricsOf(await runOnBothServers({ ...base, config: services(), steps }));
  expect(metrics.map(metric => /"status":503,"description":"Service Unavailable"/.test(metric))).toEqual([true, true]);
});

it.compared(`a requester that unsubscribes before the answer causes a metric of status 408`, async () => {
  const steps = [
    { user: "ann", send: publish("req", { reply: "inbox" }) },
    { user: "ann", send: "UNSUB 1\r\n" },
    { user: "sam", send: publish("{reply}", { payload: "late" }) },
  ];
  const metrics = metricsOf(await runOnBothServers({ ...base, config: services({ share: true }), steps }));
  expect(metrics.map(metric => /"status":408,"description":"Request Timeout"/.test(metric))).toEqual([true]);
});

it.compared(`an answer after the response threshold causes a metric of status 504`, async () => {
  const steps = [
    { user: "ann", send: publish("req", { reply: "inbox" }), awaits: { user: "eve", text: "Service Timeout" } },
    { user: "sam", send: publish("{reply}", { payload: "late" }) },
  ];
  const metrics = metricsOf(await runOnBothServers({ ...base, config: services({ threshold: "20ms" }), steps }));
  expect(metrics.map(metric => /"status":504/.test(metric))).toEqual([true]);
});

it.compared(`a request through two accounts is measured in both`, async () => {
  const steps = [
    { user: "cat", send: publish("far", { reply: "inbox" }) },
    { user: "sam", send: publish("{reply}", { payload: "!" }) },
  ];
  const notes = await runOnBothServers({ ...base, config: services({ share: true }), steps });
  expect(
    notes
      .flat()
      .filter(note => note.includes('"status":200'))
      .map(note => note.split(" ", 2).join(" ")),
  ).toEqual(["ann: second", "eve: metric"]);
});

for (const [allowTrace, status] of [
  [false, 503],
  [true, 0],
] as const) {
  it.compared(
    `a request that is only traced ${allowTrace ? "through" : "up to"} the service causes a metric of status ${status}`,
    async () => {
      const headers = { "Nats-Trace-Dest": "trace", "Nats-Trace-Only": "on" };
      const steps = [{ user: "ann", send: publish("req", { reply: "inbox", headers }) }];
      const metrics = metricsOf(await runOnBothServers({ ...base, config: services({ allowTrace }), steps }));
      expect(metrics.map(metric => /"status":(\d+)/.exec(metric)![1])).toEqual([String(status)]);
    },
  );
}

const UBER = "479fefe9525eddb:5adb976bfc1f95c1:479fefe9525eddb";
const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
const ID = "80f198ee56343ba864fe8b2a57d3eff7";

const TRIGGERS: readonly (readonly [headers: Record<string, string>, measured: boolean])[] = [
  [{ Key: "none" }, false],
  [{ "Uber-Trace-Id": `${UBER}:1` }, true],
  [{ "uber-trace-id": `${UBER}:01`, "Uberctx-X": "1", "uberctx-y": "2", Other: "3" }, true],
  [{ "Uber-Trace-Id": `${UBER}:0` }, false],
  [{ "Uber-Trace-Id": `${UBER}:3` }, true],
  [{ "Uber-Trace-Id": `${UBER}:001` }, false],
  [{ "Uber-Trace-Id": UBER }, false],
  [{ "Uber-Trace-Id": `${UBER}:g` }, false],
  [{ "Uber-Trace-Id": `${UBER}:0`, "X-B3-Sampled": "1" }, false],
  [{ "X-B3-Sampled": "1" }, true],
  [{ "X-B3-Sampled": "0", "X-B3-TraceId": ID }, false],
  [{ "X-B3-Sampled": "true" }, false],
  [{ "X-B3-TraceId": ID, "X-B3-SpanId": "e4", "X-B3-ParentSpanId": "05", Other: "3" }, true],
  [{ "x-b3-traceid": ID }, true],
  [{ B3: `${ID}-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90` }, true],
  [{ b3: `${ID}-e457b5a2e4d86bd1-0` }, false],
  [{ B3: `${ID}-e457b5a2e4d86bd1` }, true],
  [{ B3: "0" }, false],
  [{ B3: "1" }, true],
  [{ B3: "0", traceparent: `${PARENT}-01` }, false],
  [{ traceparent: `${PARENT}-01`, tracestate: "a=b", Other: "3" }, true],
  [{ Traceparent: `${PARENT}-00` }, false],
  [{ TRACEPARENT: `${PARENT}-81` }, false],
  [{ traceparent: `${PARENT}-1` }, false],
];

it.compared(`tracing headers trigger a measurement, and the metric contains them`, async () => {
  const steps = TRIGGERS.flatMap(([headers]) => requestAndAnswer(headers));
  const notes = await runOnBothServers({ ...base, config: services({ latency: "{sampling: headers, subject: metric}" }), steps });
  const measured = TRIGGERS.map((_, at) => metricsOf(notes.slice(2 * at, 2 * at + 2)).length === 1);
  expect(measured).toEqual(TRIGGERS.map(([, wanted]) => wanted));
});

test("a header block that Go's reader refuses triggers no measurement", async () => {
  const server = await startOurServer([services({ latency: "{sampling: headers, subject: metric}" })]);
  try {
    const steps = requestAndAnswer({ traceparent: `${PARENT}-01`, "Bad key\t": "x" });
    expect(metricsOf(await runTraceScenario({ ...base, config: "", steps }, server.port))).toEqual([]);
  } finally {
    await server.stop();
  }
});

test("the sampling percentage of requests is measured, and every request with headers that trigger a measurement", async () => {
  const server = await startOurServer([services({ latency: "{sampling: 30%, subject: metric}" })]);
  try {
    const measured = async (headers?: Record<string, string>) => {
      const send = publish("req", { reply: "inbox", headers }).repeat(500);
      const scenario: TraceScenario = {
        ...base,
        config: "",
        subscriptions: { ...base.subscriptions, sam: [] },
        steps: [{ user: "ann", send }],
      };
      return metricsOf(await runTraceScenario(scenario, server.port)).length;
    };
    const some = await measured();
    expect(some).toBeGreaterThan(80);
    expect(some).toBeLessThan(250);
    expect(await measured({ "X-B3-Sampled": "1" })).toBe(500);
  } finally {
    await server.stop();
  }
});
