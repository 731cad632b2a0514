import type { Account } from "../../accounts/account/account.ts";
import type { Authenticator, Verdict } from "../../auth/users/authenticator.ts";
import type { Subsystem } from "../../base/log/level.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import type { CloseReason } from "../../wire/protocol/close-reason.ts";
import { CONNECTION_KINDS } from "../../wire/protocol/connection-kind.ts";
import type { Refusal } from "../../wire/protocol/refusal.ts";
import type { TransportType } from "../../wire/transport/transport.ts";
import type { Client } from "../client/client.ts";
import type { Turn } from "./turn.ts";

/** Which INFO a client gets: at accept (with the nonce), as the answer to its first PING, or because something changed. */
export type InfoOccasion = "accept" | "connected" | "change";

/** Totals of a server. Batched per read, like those of its connections. */
export class ServerCounters {
  inMessages = 0;
  inBytes = 0;
  outMessages = 0;
  outBytes = 0;
  inClientMessages = 0;
  inClientBytes = 0;
  outClientMessages = 0;
  outClientBytes = 0;
  slowConsumers = 0;
  staleConnections = 0;
  /** The same by `ConnectionKind`. */
  readonly slowConsumersOf: number[] = Array<number>(CONNECTION_KINDS).fill(0);
  readonly staleConnectionsOf: number[] = Array<number>(CONNECTION_KINDS).fill(0);
  stalls = 0;
  totalConnections = 0;
}

/** What connections need of the server above them. */
export interface ConnectionHost {
  readonly options: Options;
  readonly turn: Turn;
  /** The log as connections of that kind write it. */
  logOf(subsystem: Subsystem): Logger;
  readonly counters: ServerCounters;
  readonly serverName: string;
  /** Empty: none. */
  readonly clusterName: string;
  /** Where a connection lives until, or unless, authentication says otherwise. */
  readonly globalAccount: Account;
  /** null: there is none. */
  readonly systemAccount: Account | null;
  /** Decides who may connect that way; another one after a reload. */
  authenticatorOf(type: TransportType): Authenticator;
  /** What its events say of the server: numbered, so a new one for each event. */
  serverInfo(): object;
  infoLine(client: Client, occasion: InfoOccasion): Buffer;
  /**
   * Who the client is, by what its CONNECT says. A promise suspends the client until it settles; a rejection is a refusal.
   */
  authenticate(client: Client): Verdict | Promise<Verdict>;
  /** It is in. */
  onAuthenticated(client: Client): void;
  /** It is not, and this is why. @param told whether its account is told of it: left out, it is */
  onAuthenticationFailed(client: Client, refusal: Refusal, told?: boolean): void;
  /** A client more or less is bound to the account. */
  onConnectionsChanged(account: Account): void;
  /** The connection is closed, its subscriptions are gone; it may still be writing its farewell. */
  onConnectionClosed(client: Client, reason: CloseReason): void;
  /** Its transport is gone too. */
  onTransportClosed(client: Client): void;
}
