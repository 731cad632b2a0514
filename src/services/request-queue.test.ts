import { expect, test } from "bun:test";
import { encode } from "../base/bytes/ascii.ts";
import { MessageBatch } from "../messaging/batch/message-batch.ts";
import { RequestQueue } from "./request-queue.ts";
import { ServiceRequest } from "./service-request.ts";

function requestOn(subject: string): ServiceRequest {
  const batch = new MessageBatch(1);
  const bytes = Buffer.from(encode(`${subject}body`));
  batch.source = bytes;
  batch.subjectSource = bytes;
  batch.add(0, subject.length, subject.length, subject.length, -1, subject.length, bytes.length);
  return new ServiceRequest(batch, 0);
}

function queueWith(lines: string[], ends: () => void = () => {}): RequestQueue {
  const log = { error: (text: string) => void lines.push(text.split("\n")[0]!), warnRateLimited: (text: string) => void lines.push(text) };
  return new RequestQueue(log, ends, { label: "System service", waitingMax: 10_000 });
}

test("requests are handled in order, after the delivery that brought them; then the turn ends", async () => {
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = queueWith([], () => {
    seen.push("end");
    resolve();
  });
  for (const subject of ["a", "b"]) queue.push(requestOn(subject), request => void seen.push(`${request.subject} ${request.body}`));
  seen.push("delivered");
  await promise;
  expect(seen).toEqual(["delivered", "a body", "b body", "end"]);
});

test("a handler that throws is logged with its subject, and the next request is handled", async () => {
  const lines: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = queueWith(lines, resolve);
  queue.push(requestOn("$SYS.REQ.X"), () => {
    throw new Error("a programming error");
  });
  queue.push(requestOn("y"), () => void lines.push("handled"));
  await promise;
  expect(lines).toEqual(["System service $SYS.REQ.X failed: Error: a programming error", "handled"]);
});

test("a full queue drops requests and logs it; a stopped one drops all", async () => {
  const lines: string[] = [];
  let handled = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = queueWith(lines, () => handled === 10_000 && resolve());
  for (let count = 0; count < 10_001; count++) queue.push(requestOn("x"), () => void handled++);
  await promise;
  expect({ handled, lines }).toEqual({ handled: 10_000, lines: ["System services: too many requests, some are dropped"] });
  queue.stop();
  queue.push(requestOn("x"), () => void handled++);
  await new Promise(done => setImmediate(done));
  expect(handled).toBe(10_000);
});

test("many requests are handled over several turns of the event loop", async () => {
  let handled = 0;
  const perTurn: number[] = [];
  const queue = queueWith([], () => void perTurn.push(handled));
  for (let index = 0; index < 100; index++) queue.push(requestOn("x"), () => void handled++);
  while (handled < 100) await new Promise<void>(resolve => setImmediate(resolve));
  expect(perTurn).toEqual([16, 32, 48, 64, 80, 96, 100]);
});
