import { Account } from "../../src/accounts/account/account.ts";
import type { AccountHost } from "../../src/accounts/account/account-host.ts";
import { type Authenticator, PLAIN_LOGIN, type Verdict } from "../../src/auth/users/authenticator.ts";
import { TimingWheel } from "../../src/base/clock/timing-wheel.ts";
import type { Logger } from "../../src/base/log/logger.ts";
import { RepeatFilter } from "../../src/base/log/repeat-filter.ts";
import { Random } from "../../src/base/random/random.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { Options } from "../../src/config/schema/options.ts";
import type { Client, ClientHost } from "../../src/connections/client/client.ts";
import { ClientConnection } from "../../src/connections/client/client-connection.ts";
import { ServerCounters } from "../../src/connections/link/host.ts";
import { Turn } from "../../src/connections/link/turn.ts";
import { CloseReason } from "../../src/wire/protocol/close-reason.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeTransport } from "./fake-transport.ts";

/** The server interface that clients use, with a clock that the test moves and transports whose capacity the test sets. */
export class FakeHost implements ClientHost, AccountHost {
  readonly clock = new FakeClock();
  readonly options: Options;
  readonly turn: Turn;
  readonly counters = new ServerCounters();
  readonly repeats = new RepeatFilter();
  readonly globalAccount: Account;
  readonly systemAccount = null;
  readonly serverName = "fake";
  readonly clusterName = "";
  readonly cachesInterest = true;
  readonly timers: TimingWheel;
  private readonly authenticator: Authenticator;
  /** Logged lines of all levels except trace. */
  readonly lines: string[] = [];
  readonly log: Logger;
  /** Names of the reasons for which connections were closed. */
  readonly closed: string[] = [];
  private lastId = 0;

  /** @param shareUnits size of a share of work, see `Scheduler` */
  constructor(given: Partial<Options> = {}, shareUnits?: number) {
    this.options = completeOptions(given);
    const random = new Random(1);
    this.timers = new TimingWheel(this.clock);
    this.turn = new Turn(this.clock, this.timers, random, shareUnits);
    const write = (text: string) => this.lines.push(text);
    this.log = {
      debugEnabled: false,
      traceEnabled: false,
      notice: write,
      warn: write,
      error: write,
      fatal: write,
      debug: write,
      trace: () => {},
      warnRateLimited: write,
    };
    const account = new Account("$G", this);
    this.globalAccount = account;
    this.authenticator = {
      usesNonce: false,
      required: false,
      takesJwt: false,
      admitsAnonymous: () => false,
      authenticate: () => ({ ...PLAIN_LOGIN, account }),
    };
  }

  logOf(): Logger {
    return this.log;
  }

  nextConnectionId(): number {
    return ++this.lastId;
  }

  serverInfo(): object {
    return { name: this.serverName };
  }

  infoLine(): Buffer {
    return Buffer.from("INFO {} \r\n");
  }

  authenticatorOf(): Authenticator {
    return this.authenticator;
  }

  authenticate(): Verdict {
    return { ...PLAIN_LOGIN, account: this.globalAccount };
  }

  onAuthenticated(): void {}

  onAuthenticationFailed(): void {}

  onConnectionsChanged(): void {}

  onConnectionClosed(_client: Client, reason: CloseReason): void {
    this.closed.push(CloseReason[reason]);
  }

  onTransportClosed(): void {}

  /** Opens a connection. Its INFO was already taken from the transport. */
  accept(): FakePeer {
    const transport = new FakeTransport();
    const client = new ClientConnection(this, transport, ++this.lastId);
    transport.onTerminate = () => client.onClose(null);
    client.open();
    this.turn.end();
    transport.next();
    return new FakePeer(client, transport);
  }

  /** Opens a connection, and sends CONNECT. */
  connect(): FakePeer {
    const peer = this.accept();
    peer.send('CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n');
    return peer;
  }
}

/** A peer of the server, with the server's end of its connection. */
export class FakePeer {
  readonly client: Client;
  readonly transport: FakeTransport;

  constructor(client: Client, transport: FakeTransport) {
    this.client = client;
    this.transport = transport;
  }

  /** Sends the text; the server gets it in one read. */
  send(text: string): void {
    this.client.onData(Buffer.from(text));
  }

  /** @returns the text sent to the peer since the last call */
  next(): string {
    return this.transport.next();
  }

  /** The kernel has room for `room` more bytes, and announces it. */
  drain(room: number): void {
    this.transport.room = room;
    this.client.onDrain();
  }
}
