import { expect, test } from "bun:test";
import { CLOSE_TEXTS, CloseReason, skipsFlush } from "./close-reason.ts";

/** The reference's reasons, numbered from 1, as /connz and $SYS events show them. */
const REASONS = [
  "Client Closed",
  "Authentication Timeout",
  "Authentication Failure",
  "TLS Handshake Failure",
  "Slow Consumer (Pending Bytes)",
  "Slow Consumer (Write Deadline)",
  "Write Error",
  "Read Error",
  "Parse Error",
  "Stale Connection",
  "Protocol Violation",
  "Bad Client Protocol Version",
  "Incorrect Port",
  "Maximum Account Connections Exceeded",
  "Maximum Connections Exceeded",
  "Maximum Message Payload Exceeded",
  "Maximum Control Line Exceeded",
  "Maximum Subscriptions Exceeded",
  "Duplicate Route",
  "Route Removed",
  "Server Shutdown",
  "Authentication Expired",
  "Wrong Gateway",
  "Missing Account",
  "Credentials Revoked",
  "Internal Client",
  "Message Header Violation",
  "No Responders Requires Headers",
  "Cluster Name Conflict",
  "Duplicate Remote LeafNode Connection",
  "Duplicate Client ID",
  "Duplicate Server Name",
  "Minimum Version Required",
  "Cluster Names Identical",
  "Kicked",
  "Proxy Not Trusted",
  "Proxy Required",
];

test("reasons have the reference's numbers and texts", () => {
  const numbers = Object.values(CloseReason).filter(reason => typeof reason === "number");
  expect(numbers).toEqual(REASONS.map((_, index) => index + 1));
  expect(numbers.map(reason => CLOSE_TEXTS[reason])).toEqual(REASONS);
});

test("queued output is dropped after errors of the connection and for slow consumers", () => {
  const numbers = Object.values(CloseReason).filter(reason => typeof reason === "number");
  expect(numbers.filter(skipsFlush).map(reason => CloseReason[reason])).toEqual([
    "TlsHandshakeError",
    "SlowConsumerPendingBytes",
    "SlowConsumerWriteDeadline",
    "WriteError",
    "ReadError",
  ]);
});
