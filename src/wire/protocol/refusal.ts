import { CloseReason } from "./close-reason.ts";

/**
 * Why a peer's command is refused. Errors are values on the hot path: a handler returns a refusal, and the connection looks up here which
 * text the peer gets and whether the connection is closed.
 *
 * Texts with a `%` are completed by the code that refuses (`refusalText`). They are listed here so that all texts are in one table.
 */
export enum Refusal {
  None = 0,
  UnknownOperation,
  MalformedArguments,
  MaxControlLineExceeded,
  MaxPayloadExceeded,
  AuthorizationViolation,
  ProxyNotTrusted,
  ProxyRequired,
  AuthenticationTimeout,
  UserAuthenticationExpired,
  AccountAuthenticationExpired,
  UserAuthenticationRevoked,
  MaxConnectionsExceeded,
  MaxAccountConnectionsExceeded,
  MaxSubscriptionsExceeded,
  InvalidClientProtocol,
  NoRespondersRequiresHeaders,
  TlsRequired,
  StaleConnection,
  ConnectionThrottling,
  FailedAccountRegistration,
  InvalidSubject,
  InvalidPublishSubject,
  PublishPermission,
  ReplyPermission,
  SubscribePermission,
  QueueSubscribePermission,
  SubscribeTooManyTokens,
  /** A reload or an update of permissions forbids an existing subscription. */
  SubscribePermissionLost,
  QueueSubscribePermissionLost,
  // Routes, gateways and leaf nodes.
  RoutePort,
  LeafPort,
  GatewayPort,
  GatewayOnRoutePort,
  GatewayOnLeafPort,
  ClusterNameMismatch,
  RouteClusterNameReserved,
  GatewayRejected,
  GatewayWrongPort,
  GatewayUnwanted,
  GatewayCommandWithoutAccount,
  InvalidSubscription,
  AccountLookup,
  NoRouteForAccount,
  NoDedicatedRoute,
  UnexpectedPoolIndex,
  InvalidPoolIndex,
  RouteCompression,
  LeafClusterNamesIdentical,
  LeafClusterNameSpaces,
  LeafClusterNameReserved,
  MinimumVersion,
  DuplicateLeaf,
  LeafLoop,
  StaleLeaf,
  PeerError,
  /** The handler itself has closed the connection and given the reason. */
  Closed,
}

export interface RefusalRow {
  /** The text between the quotes of -ERR; null: nothing is sent. */
  readonly error: string | null;
  /** The reason for which the connection is closed; null: it stays open. */
  readonly close: CloseReason | null;
}

export const REFUSALS: Record<Refusal, RefusalRow> = {
  [Refusal.None]: { error: null, close: null },
  [Refusal.UnknownOperation]: { error: "Unknown Protocol Operation", close: CloseReason.ProtocolViolation },
  // For several mistakes, each with its own log text: wrong number of arguments, bad size, header larger than the message, CONNECT without JSON.
  [Refusal.MalformedArguments]: { error: null, close: CloseReason.ProtocolViolation },
  [Refusal.MaxControlLineExceeded]: { error: "maximum control line exceeded", close: CloseReason.MaxControlLineExceeded },
  [Refusal.MaxPayloadExceeded]: { error: "Maximum Payload Violation", close: CloseReason.MaxPayloadExceeded },
  [Refusal.AuthorizationViolation]: { error: "Authorization Violation", close: CloseReason.AuthenticationViolation },
  [Refusal.ProxyNotTrusted]: { error: "Authorization Violation", close: CloseReason.ProxyNotTrusted },
  [Refusal.ProxyRequired]: { error: "Authorization Violation", close: CloseReason.ProxyRequired },
  [Refusal.AuthenticationTimeout]: { error: "Authentication Timeout", close: CloseReason.AuthenticationTimeout },
  [Refusal.UserAuthenticationExpired]: { error: "User Authentication Expired", close: CloseReason.AuthenticationExpired },
  [Refusal.AccountAuthenticationExpired]: { error: "Account Authentication Expired", close: CloseReason.AuthenticationExpired },
  [Refusal.UserAuthenticationRevoked]: { error: "User Authentication Revoked", close: CloseReason.Revocation },
  [Refusal.MaxConnectionsExceeded]: { error: "maximum connections exceeded", close: CloseReason.MaxConnectionsExceeded },
  [Refusal.MaxAccountConnectionsExceeded]: {
    error: "maximum account active connections exceeded",
    close: CloseReason.MaxAccountConnectionsExceeded,
  },
  [Refusal.MaxSubscriptionsExceeded]: { error: "maximum subscriptions exceeded", close: null },
  [Refusal.InvalidClientProtocol]: { error: "invalid client protocol", close: CloseReason.BadClientProtocolVersion },
  [Refusal.NoRespondersRequiresHeaders]: {
    error: "no responders requires headers support",
    close: CloseReason.NoRespondersRequiresHeaders,
  },
  [Refusal.TlsRequired]: { error: "Secure Connection - TLS Required", close: CloseReason.TlsHandshakeError },
  [Refusal.StaleConnection]: { error: "Stale Connection", close: CloseReason.StaleConnection },
  [Refusal.ConnectionThrottling]: {
    error: "Connection throttling is active. Please try again later.",
    close: CloseReason.MaxConnectionsExceeded,
  },
  [Refusal.FailedAccountRegistration]: { error: "Failed Account Registration", close: null },
  [Refusal.InvalidSubject]: { error: "Invalid Subject", close: null },
  [Refusal.InvalidPublishSubject]: { error: "Invalid Publish Subject", close: null },
  [Refusal.PublishPermission]: { error: "Permissions Violation for Publish to %q", close: null },
  [Refusal.ReplyPermission]: { error: "Permissions Violation for Publish with Reply of %q", close: null },
  [Refusal.SubscribePermission]: { error: "Permissions Violation for Subscription to %q", close: null },
  [Refusal.QueueSubscribePermission]: { error: "Permissions Violation for Subscription to %q using queue %q", close: null },
  [Refusal.SubscribeTooManyTokens]: { error: "Permissions Violation for Subscription to %q, too many tokens", close: null },
  [Refusal.SubscribePermissionLost]: { error: "Permissions Violation for Subscription to %q (sid %q)", close: null },
  [Refusal.QueueSubscribePermissionLost]: { error: "Permissions Violation for Subscription to %q using queue %q (sid %q)", close: null },
  [Refusal.RoutePort]: { error: "attempted to connect to route port", close: CloseReason.WrongPort },
  [Refusal.LeafPort]: { error: "attempted to connect to leaf node port", close: CloseReason.WrongPort },
  [Refusal.GatewayPort]: { error: "attempted to connect to gateway port", close: CloseReason.WrongPort },
  [Refusal.GatewayOnRoutePort]: { error: "Rejecting connection from gateway %q on the Route port", close: CloseReason.WrongGateway },
  [Refusal.GatewayOnLeafPort]: { error: "Rejecting connection from gateway %q on the leafnode port", close: CloseReason.WrongGateway },
  [Refusal.ClusterNameMismatch]: {
    error: "Rejecting connection, cluster name %q does not match %q",
    close: CloseReason.ClusterNameConflict,
  },
  [Refusal.RouteClusterNameReserved]: {
    error: "Rejecting connection, cluster name %q is reserved",
    close: CloseReason.ClusterNameConflict,
  },
  [Refusal.GatewayRejected]: { error: "Connection to gateway %q rejected", close: CloseReason.WrongGateway },
  [Refusal.GatewayWrongPort]: { error: "Attempt to connect to gateway %q using wrong port", close: CloseReason.WrongPort },
  [Refusal.GatewayUnwanted]: { error: "Connection from %q rejected, wanted to connect to %q, this is %q", close: CloseReason.WrongGateway },
  [Refusal.GatewayCommandWithoutAccount]: {
    error: "Account absent from receive-all-subscriptions-%s command",
    close: CloseReason.ProtocolViolation,
  },
  [Refusal.InvalidSubscription]: { error: "Invalid Subscription", close: null },
  [Refusal.AccountLookup]: { error: "Unable to lookup account %q: %v", close: CloseReason.MissingAccount },
  [Refusal.NoRouteForAccount]: { error: "No route for account %q", close: CloseReason.ProtocolViolation },
  [Refusal.NoDedicatedRoute]: {
    error: "Not possible to have a dedicated route for account %q between those servers",
    close: CloseReason.ProtocolViolation,
  },
  [Refusal.UnexpectedPoolIndex]: { error: "Route pool index should not be set but is set to %v", close: CloseReason.ProtocolViolation },
  [Refusal.InvalidPoolIndex]: { error: "Invalid route pool index: %v - pool size is %v", close: CloseReason.ProtocolViolation },
  [Refusal.RouteCompression]: { error: "unsupported route compression mode %q", close: CloseReason.ProtocolViolation },
  [Refusal.LeafClusterNamesIdentical]: { error: "remote leafnode has same cluster name", close: CloseReason.ClusterNamesIdentical },
  [Refusal.LeafClusterNameSpaces]: { error: "cluster name cannot contain spaces", close: CloseReason.ProtocolViolation },
  [Refusal.LeafClusterNameReserved]: { error: "cluster name is reserved", close: CloseReason.ProtocolViolation },
  [Refusal.MinimumVersion]: {
    error: "connection rejected since minimum version required is %q",
    close: CloseReason.MinimumVersionRequired,
  },
  [Refusal.DuplicateLeaf]: { error: "Duplicate Remote LeafNode Connection", close: CloseReason.DuplicateRemoteLeafnodeConnection },
  [Refusal.LeafLoop]: {
    error: "Loop detected for leafnode account=%q. Delaying attempt to reconnect for %v",
    close: CloseReason.ProtocolViolation,
  },
  [Refusal.StaleLeaf]: { error: "Stale Leaf Node Connection - Closing", close: CloseReason.StaleConnection },
  [Refusal.PeerError]: { error: null, close: CloseReason.ParseError },
  [Refusal.Closed]: { error: null, close: null },
};

/** `%q`, `%s` or `%v`. */
const VERB_SIZE = 2;

/**
 * The text of a refusal, with its `%q`, `%s` and `%v` replaced in order.
 * @param values the texts that replace them; the caller quotes those for `%q` (`quote`)
 */
export function refusalText(refusal: Refusal, ...values: string[]): string {
  const form = REFUSALS[refusal].error!;
  let text = "";
  let next = 0;
  let from = 0;
  for (let at = form.indexOf("%"); at !== -1; at = form.indexOf("%", from)) {
    text += form.slice(from, at) + values[next++];
    from = at + VERB_SIZE;
  }
  return text + form.slice(from);
}
