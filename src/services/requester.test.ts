import { expect, test } from "bun:test";
import { MessageBatch } from "../messaging/batch/message-batch.ts";
import { accountNameOf, requesterOf } from "./requester.ts";
import { ServiceRequest } from "./service-request.ts";

/** @param header a whole header block; empty: none */
function requestWith(header: string): ServiceRequest {
  const subject = "a.b.c";
  const bytes = Buffer.from(`${subject}${header}body`);
  const batch = new MessageBatch(1);
  batch.source = bytes;
  batch.subjectSource = bytes;
  const headerSize = header === "" ? -1 : header.length;
  batch.add(0, subject.length, subject.length, subject.length, headerSize, subject.length, bytes.length);
  return new ServiceRequest(batch, 0);
}

const withInfo = (json: string) => requestWith(`NATS/1.0\r\nNats-Request-Info: ${json}\r\n\r\n`);

test("a request without headers was published in the service's own account", () => {
  const requester = requesterOf(requestWith(""))!;
  expect([requester.acc, requester.user, accountNameOf(requester)]).toEqual(["", "", ""]);
});

test("the header names the requester; an account in between takes precedence", () => {
  const requester = requesterOf(withInfo('{"acc":"A","user":"u","id":5,"rtt":120000,"start":"2026-11-30T16:00:00Z","more":1}'))!;
  expect([requester.acc, requester.user, requester.id, accountNameOf(requester)]).toEqual(["A", "u", 5, "A"]);
  expect(accountNameOf(requesterOf(withInfo('{"acc":"A","svc":"B"}'))!)).toBe("B");
});

test("headers without valid information about the requester are refused", () => {
  expect(requesterOf(requestWith("NATS/1.0\r\nA: b\r\n\r\n"))).toBeNull();
  for (const json of ["", "{", "[]", '{"acc":5}', '{"start":"today"}']) expect(requesterOf(withInfo(json)), json).toBeNull();
});
