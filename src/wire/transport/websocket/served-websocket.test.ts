import { expect, test } from "bun:test";
import type { ServerWebSocket } from "bun";
import { CloseReason } from "../../protocol/close-reason.ts";
import type { TransportEvents } from "../transport.ts";
import type { WebSocketClientInfo } from "./client-info.ts";
import { ServedWebSocket } from "./served-websocket.ts";

/** A WebSocket whose socket does nothing. Its events are written down. */
function newWebSocket() {
  const calls: string[] = [];
  const socket = {
    remoteAddress: "192.0.2.1",
    pause() {},
    resume() {},
    close() {},
    terminate() {},
    getBufferedAmount: () => 0,
    sendBinary: () => 0,
  };
  const transport = new ServedWebSocket(socket as unknown as ServerWebSocket<unknown>, { browser: false } as WebSocketClientInfo, 1);
  const events = {
    onData: (chunk: Buffer) => calls.push(chunk.toString()),
    onReadFailed: (text: string) => calls.push(`failed: ${text}`),
    onClose: () => calls.push("closed"),
  };
  transport.attach(events as unknown as TransportEvents);
  return { calls, transport };
}

const afterEvents = () => new Promise<void>(resolve => setImmediate(resolve));

test("messages that were received before the peer closed are handed over first, also if reading is paused", async () => {
  const { calls, transport } = newWebSocket();
  transport.pause();
  transport.onMessage("one");
  transport.onMessage("two");
  transport.onClose(1000, "");
  await afterEvents();
  expect(calls).toEqual([]);
  expect(transport.write(Buffer.from("late"), 0, 4)).toBe(4);
  transport.resume();
  await afterEvents();
  expect(calls).toEqual(["one", "two", "closed"]);
});

test("a connection that the server ends while messages of a closed peer wait is reported as closed once", async () => {
  for (const end of ["end", "terminate"] as const) {
    const { calls, transport } = newWebSocket();
    transport.pause();
    transport.onMessage("one");
    transport.onClose(1000, "");
    await afterEvents();
    if (end === "end") transport.end(false, CloseReason.ServerShutdown);
    else transport.terminate();
    transport.resume();
    await afterEvents();
    expect(calls).toEqual(["closed"]);
  }
});

test("a peer that closes while nothing waits is reported at once", async () => {
  const { calls, transport } = newWebSocket();
  transport.onMessage("one");
  transport.onClose(1006, "broken rule");
  await Promise.resolve();
  expect(calls).toEqual(["one", "failed: broken rule", "closed"]);
});
