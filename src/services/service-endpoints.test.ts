import { expect, test } from "bun:test";
import { FakeHost } from "../../test/doubles/fake-host.ts";
import { Account } from "../accounts/account/account.ts";
import { ServiceEndpoints } from "./service-endpoints.ts";

function setUp() {
  const host = new FakeHost();
  const account = new Account("A", host);
  const errors: string[] = [];
  const seen: string[] = [];
  const endpoints = new ServiceEndpoints(account, (error, subject) => errors.push(`${subject}: ${(error as Error).message}`));
  const publish = (subject: string, payload: string) => account.publisher.publish(subject, "reply", null, payload);
  return { account, endpoints, errors, seen, publish };
}

test("a handler runs at once with a copy of the request", () => {
  const { endpoints, seen, publish } = setUp();
  const bodies: Buffer[] = [];
  endpoints.serve("svc.*", ({ body, reply, subject }) => {
    bodies.push(body);
    seen.push(`${subject} ${reply}`);
  });
  publish("svc.a", "one");
  publish("svc.b", "two");
  expect([seen, bodies.map(String)]).toEqual([
    ["svc.a reply", "svc.b reply"],
    ["one", "two"],
  ]);
});

test("the error of a handler is reported with the subject, and the next request is handled", () => {
  const { endpoints, errors, publish, seen } = setUp();
  endpoints.serve("svc", ({ body }) => {
    seen.push(String(body));
    throw new Error("broken");
  });
  publish("svc", "one");
  publish("svc", "two");
  expect([seen, errors]).toEqual([
    ["one", "two"],
    ["svc: broken", "svc: broken"],
  ]);
});

test("endpoints ignore messages published while they are paused, and all messages after close", () => {
  const { endpoints, publish, seen } = setUp();
  endpoints.serve("svc", ({ body }) => void seen.push(String(body)));
  endpoints.pausedDuring(() => publish("svc", "own"));
  publish("svc", "received");
  endpoints.close();
  publish("svc", "late");
  expect(seen).toEqual(["received"]);
});
