import { expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { CloseReason } from "../../protocol/close-reason.ts";
import { ByteVector } from "../byte-vector.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import type { WebSocketClientInfo } from "./client-info.ts";
import { FrameScratch } from "./frame-writer.ts";
import { Inflating } from "./inflate.ts";
import { ReadingTurns } from "./reading-turns.ts";
import { WebSocketTransport } from "./websocket-transport.ts";

/** A transport on one that does nothing. Its events are written down. */
function newWebSocket(onData: (transport: WebSocketTransport) => void = () => {}) {
  const calls: string[] = [];
  const below = {
    remoteAddress: "192.0.2.1",
    remotePort: 1,
    tls: null,
    vectored: false,
    pause() {},
    resume() {},
    end() {},
    terminate() {},
    write: (_source: Buffer, _offset: number, length: number) => length,
  };
  const shared = {
    scratch: new FrameScratch(),
    vector: new ByteVector(),
    payloadBytesMax: 1024 * 1024,
    inflating: new Inflating(),
    readingTurns: new ReadingTurns(),
  };
  const info = { browser: false, masked: false, compression: true } as WebSocketClientInfo;
  const transport = new WebSocketTransport(below as unknown as Transport, info, shared);
  const events = {
    onData(chunk: Buffer) {
      const last = calls.at(-1) ?? "";
      const text = chunk.length > 100 ? `${chunk.length} bytes` : chunk.toString();
      if (text.endsWith("bytes") && last.endsWith("bytes")) calls[calls.length - 1] = `${parseInt(last, 10) + chunk.length} bytes`;
      else calls.push(text);
      onData(transport);
    },
    onEnd: () => calls.push("end"),
    onReadFailed: (text: string) => calls.push(`failed: ${text}`),
    onClose: () => calls.push("closed"),
  };
  transport.attach(events as unknown as TransportEvents);
  return { calls, transport };
}

function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x82, text.length]), Buffer.from(text)]);
}

/** A frame of 200,000 zeros, compressed. */
function bomb(): Buffer {
  const packed = deflateRawSync(Buffer.alloc(200_000), { finishFlush: 2 }).subarray(0, -4);
  return Buffer.concat([Buffer.from([0xc2, 126, packed.length >> 8, packed.length & 0xff]), packed]);
}

const afterEvents = () => new Promise<void>(resolve => setImmediate(resolve));

test("bytes that were received before the socket closed are handed over first, also if reading is paused within them", async () => {
  const { calls, transport } = newWebSocket(paused => {
    if (calls.length === 1) paused.pause();
  });
  transport.onData(frame("one"));
  transport.onData(frame("two"));
  transport.onClose(null);
  expect(calls).toEqual(["one"]);
  expect(transport.write(Buffer.from("late"), 0, 4)).toBe(4);
  transport.resume();
  await afterEvents();
  expect(calls).toEqual(["one", "two", "closed"]);
});

test("bytes that were received before the peer's end are handed over first", async () => {
  const { calls, transport } = newWebSocket();
  transport.pause();
  transport.onData(frame("one"));
  transport.onEnd();
  expect(calls).toEqual([]);
  transport.resume();
  await afterEvents();
  expect(calls).toEqual(["one", "end"]);
});

test("a compressed message is inflated to its end after the socket closed", async () => {
  const { calls, transport } = newWebSocket();
  transport.onData(bomb());
  transport.onClose(null);
  while (calls.at(-1) !== "closed") await afterEvents();
  expect(calls).toEqual(["200000 bytes", "closed"]);
});

test("a connection that the server ends while bytes of a closed socket wait is reported as closed once", async () => {
  for (const end of ["end", "terminate"] as const) {
    const { calls, transport } = newWebSocket();
    transport.pause();
    transport.onData(frame("one"));
    transport.onClose(null);
    if (end === "end") transport.end(false, CloseReason.ServerShutdown);
    else transport.terminate();
    transport.resume();
    await afterEvents();
    expect(calls).toEqual(["closed"]);
  }
});

test("a socket that closes while nothing waits is reported at once", () => {
  const { calls, transport } = newWebSocket();
  transport.onData(frame("one"));
  transport.pause();
  transport.onClose(null);
  expect(calls).toEqual(["one", "closed"]);
});
