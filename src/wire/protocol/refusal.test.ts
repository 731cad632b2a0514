import { expect, test } from "bun:test";
import { CloseReason } from "./close-reason.ts";
import { REFUSALS, Refusal, refusalText } from "./refusal.ts";

/** The text of the reference for each refusal, and the reason for which it closes the connection. */
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
  ["Permissions Violation for Subscription to %q (sid %q)", null],
  ["Permissions Violation for Subscription to %q using queue %q (sid %q)", null],
  ["attempted to connect to route port", "WrongPort"],
  ["attempted to connect to leaf node port", "WrongPort"],
  ["attempted to connect to gateway port", "WrongPort"],
  ["Rejecting connection from gateway %q on the Route port", "WrongGateway"],
  ["Rejecting connection from gateway %q on the leafnode port", "WrongGateway"],
  ["Rejecting connection, cluster name %q does not match %q", "ClusterNameConflict"],
  ["Rejecting connection, cluster name %q is reserved", "ClusterNameConflict"],
  ["Connection to gateway %q rejected", "WrongGateway"],
  ["Attempt to connect to gateway %q using wrong port", "WrongPort"],
  ["Connection from %q rejected, wanted to connect to %q, this is %q", "WrongGateway"],
  ["Account absent from receive-all-subscriptions-%s command", "ProtocolViolation"],
  ["Invalid Subscription", null],
  ["Unable to lookup account %q: %v", "MissingAccount"],
  ["No route for account %q", "ProtocolViolation"],
  ["Not possible to have a dedicated route for account %q between those servers", "ProtocolViolation"],
  ["Route pool index should not be set but is set to %v", "ProtocolViolation"],
  ["Invalid route pool index: %v - pool size is %v", "ProtocolViolation"],
  ["unsupported route compression mode %q", "ProtocolViolation"],
  ["remote leafnode has same cluster name", "ClusterNamesIdentical"],
  ["cluster name cannot contain spaces", "ProtocolViolation"],
  ["cluster name is reserved", "ProtocolViolation"],
  ["connection rejected since minimum version required is %q", "MinimumVersionRequired"],
  ["Duplicate Remote LeafNode Connection", "DuplicateRemoteLeafnodeConnection"],
  ["Loop detected for leafnode account=%q. Delaying attempt to reconnect for %v", "ProtocolViolation"],
  ["Stale Leaf Node Connection - Closing", "StaleConnection"],
];

/** Refusals without a text. */
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

test("None is 0, so that a parser can return every other refusal as a negative number", () => {
  expect(Refusal.None).toBe(0);
  const numbers = Object.values(Refusal).filter(refusal => typeof refusal === "number");
  expect(numbers).toEqual(numbers.map((_, index) => index));
});

test("placeholders of a text are replaced in order, also by values that contain placeholders", () => {
  expect(refusalText(Refusal.QueueSubscribePermission, '"a.$1"', '"%q"')).toBe(
    'Permissions Violation for Subscription to "a.$1" using queue "%q"',
  );
  expect(refusalText(Refusal.InvalidPoolIndex, "7", "3")).toBe("Invalid route pool index: 7 - pool size is 3");
  expect(refusalText(Refusal.StaleConnection)).toBe("Stale Connection");
});
