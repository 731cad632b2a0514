import { expect, test } from "bun:test";
import { CloseReason } from "./close-reason.ts";
import { REFUSALS, Refusal } from "./refusal.ts";

/** What the reference answers a client, text for text, and what becomes of the connection. */
const ANSWERS: [text: string, close: keyof typeof CloseReason | null][] = [
  ["Unknown Protocol Operation", "ProtocolViolation"],
  ["maximum control line exceeded", "MaxControlLineExceeded"],
  ["Maximum Payload Violation", "MaxPayloadExceeded"],
  ["Authorization Violation", "AuthenticationViolation"],
  ["Authorization Violation", "ProxyNotTrusted"],
  ["Authorization Violation", "ProxyRequired"],
  ["Authentication Timeout", "AuthenticationTimeout"],
  ["User Authentication Expired", "AuthenticationExpired"],
  ["Account Authentication Expired", "AuthenticationExpired"],
  ["User Authentication Revoked", "Revocation"],
  ["maximum connections exceeded", "MaxConnectionsExceeded"],
  ["maximum account active connections exceeded", "MaxAccountConnectionsExceeded"],
  ["maximum subscriptions exceeded", null],
  ["invalid client protocol", "BadClientProtocolVersion"],
  ["no responders requires headers support", "NoRespondersRequiresHeaders"],
  ["Secure Connection - TLS Required", "TlsHandshakeError"],
  ["Stale Connection", "StaleConnection"],
  ["Connection throttling is active. Please try again later.", "MaxConnectionsExceeded"],
  ["Failed Account Registration", null],
  ["Invalid Subject", null],
  ["Invalid Publish Subject", null],
  ["Permissions Violation for Publish to %q", null],
  ["Permissions Violation for Publish with Reply of %q", null],
  ["Permissions Violation for Subscription to %q", null],
  ["Permissions Violation for Subscription to %q using queue %q", null],
  ["Permissions Violation for Subscription to %q, too many tokens", null],
];

/** Closed, or not, without a word. */
const SILENT: Partial<Record<keyof typeof Refusal, keyof typeof CloseReason | null>> = {
  None: null,
  MalformedArguments: "ProtocolViolation",
  PeerError: "ParseError",
  Closed: null,
};

test("every refusal has the reference's text and effect", () => {
  const rows = Object.values(REFUSALS);
  const spoken = rows.filter(row => row.error !== null).map(row => [row.error, row.close === null ? null : CloseReason[row.close]]);
  expect(spoken).toEqual(ANSWERS);
  const names = Object.values(Refusal).filter(refusal => typeof refusal === "number");
  const silent = names.filter(refusal => REFUSALS[refusal].error === null);
  const effects = silent.map(refusal => {
    const { close } = REFUSALS[refusal];
    return [Refusal[refusal], close === null ? null : CloseReason[close]];
  });
  expect(effects).toEqual(Object.entries(SILENT));
});

test("none is 0, so that a parser can return any other as a negative number", () => {
  expect(Refusal.None).toBe(0);
  const numbers = Object.values(Refusal).filter(refusal => typeof refusal === "number");
  expect(numbers).toEqual(numbers.map((_, index) => index));
});
