import { ptr } from "bun:ffi";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Socket, TCPSocketListener } from "bun";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { until } from "../../../test/faults/until.ts";
import { openLibc } from "../../base/runtime/libc.ts";
import { ByteVector, RANGES_MAX } from "./byte-vector.ts";
import { SocketCalls } from "./socket-calls.ts";

/** A real pair of sockets: `sender`, `reader`, and the bytes that the reader received. */
let listener: TCPSocketListener<undefined>;
let sender: Socket<undefined>;
let reader: Socket<undefined>;
let received: Buffer[] = [];
let receivedBytes = 0;
let wake: () => void = () => {};

beforeEach(async () => {
  received = [];
  receivedBytes = 0;
  const accepted = Promise.withResolvers<Socket<undefined>>();
  listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open: socket => accepted.resolve(socket), data() {} } });
  reader = await Bun.connect({
    hostname: "127.0.0.1",
    port: listener.port,
    socket: {
      data(_socket, chunk) {
        received.push(Buffer.from(chunk));
        receivedBytes += chunk.length;
        wake();
      },
    },
  });
  sender = await accepted.promise;
});

afterEach(() => {
  sender.terminate();
  reader.terminate();
  listener.stop(true);
});

async function read(size: number): Promise<Buffer> {
  while (receivedBytes < size) await new Promise<void>(resolve => (wake = resolve));
  return Buffer.concat(received);
}

const fdOf = (socket: Socket<undefined>) => (socket as unknown as { readonly fd: number }).fd;
const calls = SocketCalls.load();
const onLinux = test.skipIf(calls === null);

test("the system calls are available on Linux", () => {
  expect(calls !== null).toBe(process.platform === "linux");
});

onLinux("ranges of several buffers arrive in order as one sequence of bytes", async () => {
  const vector = new ByteVector();
  const lines = Buffer.from("MSG a 1 5\r\nMSG b 1 3\r\n");
  const payloads = Buffer.from("..hello\r\n..abc\r\n").subarray(2); // a view with an offset into its memory
  vector.add(lines, 0, 11);
  vector.add(payloads, 0, 7);
  vector.add(lines, 11, 22);
  vector.add(payloads, 9, 14);
  expect(calls!.send(fdOf(sender), vector)).toBe(vector.bytes);
  expect((await read(vector.bytes)).toString()).toBe("MSG a 1 5\r\nhello\r\nMSG b 1 3\r\nabc\r\n");
});

onLinux("sends a full vector, with some empty ranges", async () => {
  const vector = new ByteVector();
  const source = Buffer.from(Array.from({ length: RANGES_MAX }, (_, index) => index & 0xff));
  for (let index = 0; index < RANGES_MAX; index++) vector.add(source, index, index + (index % 3));
  const wanted = Buffer.concat(Array.from({ length: RANGES_MAX }, (_, index) => source.subarray(index, index + (index % 3))));
  expect(wanted.length).toBe(vector.bytes);
  expect(calls!.send(fdOf(sender), vector)).toBe(vector.bytes);
  expect((await read(vector.bytes)).equals(wanted)).toBe(true);
});

onLinux("a full kernel buffer accepts a part, then nothing; sending continues where it stopped", async () => {
  reader.pause();
  const size = 300_000;
  const sources = Array.from({ length: 64 }, (_, index) => Buffer.alloc(size, 65 + (index % 26)));
  const vector = new ByteVector();
  for (const source of sources) vector.add(source, 0, size);
  const taken = calls!.send(fdOf(sender), vector);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(vector.bytes);
  let total = taken;
  const wanted = Buffer.concat(sources);
  const rest = new ByteVector();
  rest.add(wanted, total, wanted.length);
  for (let more = calls!.send(fdOf(sender), rest); more > 0; more = calls!.send(fdOf(sender), rest)) {
    total += more;
    rest.clear();
    rest.add(wanted, total, wanted.length);
  }
  expect(calls!.send(fdOf(sender), rest)).toBe(0);
  reader.resume();
  expect((await read(total)).equals(wanted.subarray(0, total))).toBe(true);
});

onLinux("a closed or unknown descriptor accepts nothing and does no harm", () => {
  const vector = new ByteVector();
  vector.add(Buffer.from("x"), 0, 1);
  expect(calls!.send(-1, vector)).toBe(0);
  expect(calls!.send(1_000_000, vector)).toBe(0);
});

test("a vector counts its bytes and releases its buffers when it is cleared", () => {
  const vector = new ByteVector();
  vector.add(Buffer.from("hello"), 1, 4);
  vector.add(Buffer.from("world"), 0, 5);
  expect([vector.count, vector.bytes, vector.sources.length]).toEqual([2, 8, 2]);
  vector.clear();
  expect([vector.count, vector.bytes, vector.sources.length]).toEqual([0, 0, 0]);
});

onLinux("available bytes are read into the caller's buffer; the next read returns 0", async () => {
  const target = Buffer.alloc(64, ".");
  reader.pause();
  expect(calls!.receive(fdOf(reader), target)).toBe(0);
  sender.write("hello");
  let size = 0;
  while (size === 0) {
    await new Promise<void>(resolve => setImmediate(resolve));
    size = calls!.receive(fdOf(reader), target);
  }
  expect(target.toString("latin1", 0, size + 1)).toBe("hello.");
  expect(calls!.receive(fdOf(reader), target)).toBe(0);
  reader.resume();
});

test("assertions: a vector has room, and its ranges are not negative", () => {
  const vector = new ByteVector();
  const bytes = Buffer.alloc(4);
  const broken = "Assertion broken: a vector has room for the range, and the range is not negative";
  expect(brokenAssertion(() => vector.add(bytes, 3, 1))).toBe(`${broken}: 0, -2`);
  vector.clear();
  for (let range = 0; range < RANGES_MAX; range++) vector.add(bytes, 0, 1);
  expect(brokenAssertion(() => vector.add(bytes, 0, 1))).toBe(`${broken}: 512, 1`);
});

/** `tcpi_sacked` of a listening socket: the longest accept queue. */
function acceptQueueOf(fd: number): number {
  const info = new Uint32Array(8);
  const size = new Uint32Array([info.byteLength]);
  const { getsockopt } = openLibc({ getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" } })!;
  expect(getsockopt(fd, 6, 11, ptr(info), ptr(size))).toBe(0);
  return info[7]!;
}

const queueMax = () => Math.min(4096, Number(readFileSync("/proc/sys/net/core/somaxconn", "latin1")));

onLinux("a listener gets the accept queue of the reference", () => {
  const { fd } = listener as unknown as { readonly fd: number };
  expect(acceptQueueOf(fd)).not.toBe(4096);
  calls!.lengthenAcceptQueue(listener);
  expect(acceptQueueOf(fd)).toBe(queueMax());
});

onLinux("so does a listener that is known only by its port", () => {
  const { fd } = listener as unknown as { readonly fd: number };
  calls!.lengthenAcceptQueueOn(listener.port);
  expect(acceptQueueOf(fd)).toBe(queueMax());
});

onLinux("the last bytes of a socket: none while FIN is not sent, then those that the peer's kernel has not acknowledged", async () => {
  expect(calls!.lastBytes(fdOf(sender))).toBeNull();
  sender.write("bye");
  reader.write("unread");
  sender.pause();
  sender.shutdown();
  await read(3);
  const left = () => calls!.lastBytes(fdOf(sender));
  await until(
    () => left()?.unacknowledged === 0,
    () => `left: ${JSON.stringify(left())}`,
  );
  expect(calls!.lastBytes(-1)).toEqual({ unacknowledged: 0, unread: 0 });
});
