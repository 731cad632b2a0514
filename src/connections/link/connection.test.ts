import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import type { Logger } from "../../base/log/logger.ts";
import { RepeatFilter } from "../../base/log/repeat-filter.ts";
import { Random } from "../../base/random/random.ts";
import { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { CloseReason } from "../../wire/protocol/close-reason.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { Connection } from "./connection.ts";
import { FLAG_STALLED } from "./connection-flag.ts";
import { type LinkHost, ServerCounters } from "./host.ts";
import { ReadLoop, type StreamParser } from "./read-loop.ts";
import { Turn } from "./turn.ts";
import { TurnPhase } from "./turn-phases.ts";

/** A connection kind with a simple protocol: each chunk is one message. An empty line is refused, and after `wait` reading is suspended. */
class RouterConnection extends Connection {
  readonly reading: ReadLoop;
  readonly label = "rid:7";
  readonly loggedAccount = "";
  readonly loggedUser = "";
  readonly calls: string[] = [];
  commandUnfinished = false;

  constructor(host: LinkHost, transport: FakeTransport, log: Logger) {
    super(host, transport, 7, ConnectionKind.Router, log);
    const parser: StreamParser = {
      suspended: false,
      parse: (chunk, at) => {
        if (parser.suspended) return at;
        if (chunk.toString() === "\r\n") return -Refusal.UnknownOperation;
        if (chunk.toString() === "wait") this.reading.suspend(FLAG_STALLED);
        this.inMessages++;
        this.inBytes += chunk.length;
        return chunk.length;
      },
    };
    this.reading = new ReadLoop(this, parser);
  }

  finishCommand(): boolean {
    return true;
  }

  onCommandRefused(refusal: Refusal): void {
    this.refuse(refusal);
  }

  protected countReceived(messages: number, bytes: number): void {
    this.calls.push(`received ${messages} messages, ${bytes} bytes`);
  }

  protected onPeerGone(): void {}

  protected onClosing(reason: CloseReason): void {
    this.calls.push(`closing: ${CloseReason[reason]}`);
  }

  protected onTransportClosed(): void {
    this.calls.push("transport closed");
  }
}

function newRouter() {
  const clock = new FakeClock();
  const timers = new TimingWheel(clock);
  const lines: string[] = [];
  const write = (text: string) => lines.push(text);
  const log = {
    debugEnabled: true,
    traceEnabled: false,
    notice: write,
    warn: write,
    error: write,
    fatal: write,
    debug: write,
    trace: write,
    warnRateLimited: write,
  };
  const host: LinkHost = {
    turn: new Turn(clock, timers, new Random(1)),
    counters: new ServerCounters(),
    repeats: new RepeatFilter(),
    options: {
      pendingBytesMax: 1_000,
      writeDeadlineMs: 1_000,
      writeTimeout: "default",
      pingIntervalMs: 10_000,
      pingsOutMax: 1,
      fastProducerStall: true,
      traceHeaders: false,
      tracedBytesMax: 0,
    },
  };
  return { clock, host, lines, ...connect(host, log), log };
}

function connect(host: LinkHost, log: Logger) {
  const transport = new FakeTransport();
  return { transport, router: new RouterConnection(host, transport, log) };
}

test("a connection of another kind reads, counts, answers and closes like every link, under its own name", () => {
  const { host, lines, transport, router } = newRouter();
  router.onData(Buffer.from("hello"));
  expect([host.counters.inMessages, host.counters.inBytes, host.counters.inClientMessages]).toEqual([1, 5, 0]);
  router.onData(Buffer.from("\r\n"));
  expect([transport.text, transport.ended, router.closed]).toEqual(["-ERR 'Unknown Protocol Operation'\r\n", true, true]);
  router.onClose(null);
  expect(router.calls).toEqual(["received 1 messages, 5 bytes", "closing: ProtocolViolation", "transport closed"]);
  expect(lines).toEqual(["rid:7 - Router connection closed: Protocol Violation"]);
});

test("a stale connection is logged and counted under its kind", () => {
  const { clock, host, lines, transport, router } = newRouter();
  router.keepalive.startEarly();
  clock.advance(25_000);
  expect(transport.text).toBe("PING\r\n-ERR 'Stale Connection'\r\n");
  expect(lines.slice(-2)).toEqual(["rid:7 - Stale Router Connection - Closing", "rid:7 - Router connection closed: Stale Connection"]);
  expect(host.counters.staleConnectionsOf).toEqual([0, 1, 0, 0, 0, 0, 0]);
});

test("the transport is ended in the turn's last phase, after every connection has written", () => {
  const { host, transport, router } = newRouter();
  router.sendError("bye");
  router.close(CloseReason.ServerShutdown);
  const seen: boolean[] = [];
  host.turn.add(TurnPhase.Write, { runPhase: () => seen.push(transport.ended) });
  host.turn.end();
  expect([seen, transport.text, transport.ended]).toEqual([[false], "-ERR 'bye'\r\n", true]);
});

/** Reading is suspended, and `hello` waits. */
function newWaitingRouter() {
  const fixture = newRouter();
  const { host, router } = fixture;
  router.onData(Buffer.from("wait"));
  router.onData(Buffer.from("hello"));
  router.calls.length = 0;
  const goOn = () => {
    router.flags &= ~FLAG_STALLED;
    router.reading.resumeLater();
    host.turn.end();
  };
  return { ...fixture, goOn };
}

test("if the peer ends its side while input waits, the connection is closed after the input is handled", () => {
  const { transport, router, goOn } = newWaitingRouter();
  router.onEnd();
  expect([router.closed, transport.ended]).toEqual([false, false]);
  goOn();
  expect([router.closed, transport.ended]).toEqual([true, true]);
  router.onClose(null);
  expect(router.calls).toEqual(["received 1 messages, 5 bytes", "closing: ClientClosed", "transport closed"]);
});

test("if the peer is gone while input waits, the connection is closed after the input is handled, and its transport reported once", () => {
  const { transport, router, goOn } = newWaitingRouter();
  router.onClose(new Error("reset"));
  expect(router.calls).toEqual([]);
  goOn();
  expect(router.calls).toEqual(["received 1 messages, 5 bytes", "closing: ReadError", "transport closed"]);
  expect([transport.text, transport.ended, transport.terminated]).toEqual(["", false, false]);
});

test("if the peer ends its side and is gone later, the first reason counts, and the transport is reported once", () => {
  const reset = new Error("reset");
  for (const inputLeft of [true, false]) {
    const { router, goOn } = newWaitingRouter();
    router.onData(Buffer.from("wait")); // suspended again after `hello`
    router.onEnd();
    if (!inputLeft) goOn();
    expect(router.closed).toBe(false);
    router.onClose(reset);
    goOn();
    goOn();
    const received = ["received 1 messages, 5 bytes", "received 1 messages, 4 bytes"];
    expect(router.calls).toEqual([...received, "closing: ClientClosed", "transport closed"]);
  }
});

test("if the server closes a connection whose peer is gone while input waits, the input is dropped and the transport reported once", () => {
  const { router, goOn } = newWaitingRouter();
  router.onClose(null);
  router.close(CloseReason.ServerShutdown);
  goOn();
  expect(router.calls).toEqual(["closing: ServerShutdown", "transport closed"]);
});

test("producers that wait for a consumer continue at once when it is gone, also while its own input waits", () => {
  const { host, router, transport, lines } = newWaitingRouter();
  const producer = new RouterConnection(host, new FakeTransport(), router.log);
  transport.room = 0;
  router.outbound.append(Buffer.alloc(800), 0, 800);
  host.turn.end();
  const batch = new MessageBatch(1);
  expect(router.stall.admit(batch, 1)).toBe(true);
  producer.stall.afterFlush(batch);
  producer.onData(Buffer.from("next"));
  expect(producer.calls).toEqual([]);
  router.onClose(null);
  expect(producer.calls).toEqual(["received 1 messages, 4 bytes"]);
  expect([router.closed, lines]).toEqual([false, []]);
});

test("ten thousand connections close in one turn, each while its transport is ended", () => {
  const { host, log } = newRouter();
  const routers = Array.from({ length: 10_000 }, () => {
    const { router, transport } = connect(host, log);
    transport.onEnd = () => router.onClose(null);
    return router;
  });
  for (const router of routers) router.close(CloseReason.ServerShutdown);
  host.turn.end();
  expect(routers.filter(({ calls }) => calls.at(-1) !== "transport closed")).toEqual([]);
});
