import { expect, test } from "bun:test";
import { NO_EVENTS } from "../../../test/doubles/no-events.ts";
import { InProcessTransport } from "./in-process.ts";

const MIB = 1024 * 1024;

/** A pipe that records the events of both ends. */
function newPipe() {
  const transport = new InProcessTransport();
  const events: string[] = [];
  transport.attach({
    ...NO_EVENTS,
    onData: chunk => events.push(`server gets ${chunk}`),
    onDrain: () => events.push("server may write"),
    onEnd: () => events.push("server: end"),
    onClose: error => events.push(`server: closed ${error}`),
  });
  transport.client.onData = bytes => events.push(`client gets ${bytes.length > 20 ? bytes.length : Buffer.from(bytes)}`);
  transport.client.onClose = () => events.push("client: closed");
  const write = (text: string | Buffer) => {
    const bytes = Buffer.from(text as string);
    const taken = transport.write(bytes, 0, bytes.length);
    bytes.fill(0);
    return taken;
  };
  return { transport, client: transport.client, events, write };
}

/** Resolves when all queued bytes and events have been delivered. */
const settled = () => new Promise(resolve => setImmediate(resolve));

test("bytes arrive in order, as copies, and never during the call that sends them", async () => {
  const { client, events, write } = newPipe();
  const bytes = new Uint8Array([0x61]);
  client.write(bytes);
  bytes[0] = 0;
  client.write("b");
  expect([write("c"), write("d")]).toEqual([1, 1]);
  expect(events).toEqual([]);
  await settled();
  expect(events).toEqual(["client gets c", "client gets d", "server gets a", "server gets b"]);
});

test("bytes written by a handler arrive after that handler has returned", async () => {
  const { transport, client, events, write } = newPipe();
  let inside = false;
  const guarded = (name: string, answer: () => void) => (bytes: Uint8Array) => {
    expect(inside).toBe(false);
    inside = true;
    events.push(`${name} ${Buffer.from(bytes)}`);
    if (events.length < 6) answer();
    inside = false;
  };
  client.onData = guarded("client gets", () => client.write("ping"));
  transport.attach({ ...NO_EVENTS, onData: guarded("server gets", () => write("pong")) });
  client.write("ping");
  await settled();
  expect(events).toEqual([
    "server gets ping",
    "client gets pong",
    "server gets ping",
    "client gets pong",
    "server gets ping",
    "client gets pong",
  ]);
});

test("a full pipe accepts no more bytes, and reports when it accepts bytes again", async () => {
  const { events, write } = newPipe();
  expect([write(Buffer.alloc(3 * MIB)), write(Buffer.alloc(3 * MIB)), write("x")]).toEqual([3 * MIB, MIB, 0]);
  await settled();
  expect(events).toEqual([`client gets ${3 * MIB}`, `client gets ${MIB}`, "server may write"]);
  expect(write("x")).toBe(1);
});

test("a paused server receives nothing until it resumes", async () => {
  const { transport, client, events } = newPipe();
  transport.pause();
  client.write("a");
  client.write("b");
  await settled();
  expect(events).toEqual([]);
  transport.resume();
  await settled();
  expect(events).toEqual(["server gets a", "server gets b"]);
});

test("bytes written before an end arrive before it, on both sides; later ones are dropped", async () => {
  const byClient = newPipe();
  byClient.client.write("last words");
  byClient.client.close();
  byClient.client.write("too late");
  expect(byClient.client.closed).toBe(true);
  await settled();
  expect(byClient.events).toEqual(["server gets last words", "server: closed null", "client: closed"]);

  const byServer = newPipe();
  byServer.write("-ERR");
  byServer.transport.end();
  expect([byServer.write("too late"), byServer.client.closed]).toEqual([-1, true]);
  await settled();
  expect(byServer.events).toEqual(["client gets -ERR", "server: closed null", "client: closed"]);
});

test("terminating the pipe drops bytes that have not arrived", async () => {
  const { transport, client, events, write } = newPipe();
  write("lost");
  client.write("lost too");
  transport.terminate();
  await settled();
  expect(events).toEqual(["server: closed null", "client: closed"]);
});

test("when a client ends while the server is paused, the pipe closes after the server has read everything", async () => {
  const { transport, client, events } = newPipe();
  transport.pause();
  client.write("a");
  client.close();
  client.close();
  await settled();
  expect(events).toEqual([]);
  transport.resume();
  await settled();
  expect(events).toEqual(["server gets a", "server: closed null", "client: closed"]);
});
