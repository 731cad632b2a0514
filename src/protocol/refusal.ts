import { CloseReason } from "./close-reason.ts";

/**
 * Why a peer's command is refused. Errors are values on the hot path: a handler returns a refusal, the connection looks up here what
 * the peer is told and whether it stays.
 *
 * Texts with a `%` are completed by the place that refuses; they are listed so that every text stands in one table.
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
  PeerError,
  /** The connection was closed by the handler itself, which has said why. */
  Closed,
}

export interface RefusalRow {
  /** What stands between the quotes of -ERR; null: nothing is sent. */
  readonly error: string | null;
  /** Reason the connection is closed with; null: it stays. */
  readonly close: CloseReason | null;
}

export const REFUSALS: Record<Refusal, RefusalRow> = {
  [Refusal.None]: { error: null, close: null },
  [Refusal.UnknownOperation]: { error: "Unknown Protocol Operation", close: CloseReason.ProtocolViolation },
  // One reason, several log texts: wrong argument count, bad size, header size over total, CONNECT that is not JSON.
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
  [Refusal.PeerError]: { error: null, close: CloseReason.ParseError },
  [Refusal.Closed]: { error: null, close: null },
};
