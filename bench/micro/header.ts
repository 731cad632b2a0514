/**
 * Header blocks: looks up a present and an absent key in blocks of usual sizes; compared with native search and with text.
 *
 *   bun run bench/micro/header.ts              BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { checkHeader, HeaderFields, HeaderKey, headerText, headerValue } from "../../src/messaging/header/header-read.ts";
import { buildHeader, removeHeader, setHeader } from "../../src/messaging/header/header-write.ts";
import { mightBeTraced, traceWish } from "../../src/messaging/trace/trace-headers.ts";
import { Measurement } from "./measurement/measurement.ts";

const TIMES = 1_000;
const measurement = new Measurement();
const key = new HeaderKey("Nats-Msg-Id");
const absent = new HeaderKey("Nats-Expected-Stream");
const needle = Buffer.from("\r\nNats-Msg-Id:");
const fields = new HeaderFields();

for (const count of [1, 5, 20]) {
  const others = Array.from({ length: count - 1 }, (_, index) => [`X-Field-${index}`, `value of field ${index}`] as const);
  const block = buildHeader([...others, ["Nats-Msg-Id", "8f14e45fceea167a"]]);
  const name = `${count} fields, ${block.length} B`;
  const end = block.length;
  const repeat = (title: string, work: () => unknown) =>
    measurement.add(`${name}: ${title}`, TIMES, () => {
      for (let time = 0; time < TIMES; time++) do_not_optimize(work());
    });
  repeat("headerValue, the last key", () => headerValue(block, 0, end, key));
  repeat("headerValue, no such key", () => headerValue(block, 0, end, absent));
  repeat("native indexOf of CRLF and key", () => block.indexOf(needle));
  repeat("headerText", () => headerText(block, 0, end, key));
  repeat("text.indexOf of the decoded block", () => block.toString("latin1").indexOf("\r\nNats-Msg-Id:"));
  repeat("all fields", () => {
    let seen = 0;
    for (fields.open(block, 0, end); fields.next(); ) seen += fields.valueEnd;
    return seen;
  });
  repeat("might the message be traced?", () => mightBeTraced(block, 0, end));
  repeat("does traceparent request a trace?", () => traceWish(block, 0, end));
  repeat("checkHeader", () => checkHeader(block, 0, end));
  repeat("setHeader", () => setHeader(block, "Nats-Msg-Id", "1"));
  repeat("removeHeader", () => removeHeader(block, "Nats-Msg-Id"));
}

await measurement.run();
