/**
 * A measuring tool that never fails proves nothing: the generator is run against servers with one fault each, and must say so.
 * Each server here is correct but for what its `alter` does to the deliveries of one publisher's read.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { compileLoad, type Failure, measure, type Sample } from "./load.ts";
import type { Workload } from "./rows.ts";

interface Peer {
  text: string;
  subscribes: boolean;
}
type Alter = (deliveries: string[], subscriber: Socket<Peer>) => void;

/** One subject, every subscriber, or the next in turn with a queue group. */
function startFaulty(alter: Alter) {
  const subscribers: Socket<Peer>[] = [];
  let turn = 0;
  let queue = false;
  return Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { text: "", subscribes: false };
        socket.write("INFO {} \r\n");
      },
      data(socket, bytes) {
        socket.data.text += bytes.toString("latin1");
        const deliveries: string[] = [];
        while (socket.data.text.includes("\r\n")) {
          const [line, verb, rest] = socket.data.text.match(/^([A-Z]+)([^\r]*)\r\n/)!;
          let size = line.length;
          if (verb === "PUB") {
            const [, subject, payloadSize] = rest.split(" ");
            size += Number(payloadSize) + 2;
            if (socket.data.text.length < size) break;
            deliveries.push(`MSG ${subject} 1 ${socket.data.text.slice(line.length - payloadSize.length - 2, size)}`);
          } else if (verb === "PING") {
            socket.write("PONG\r\n");
          } else if (verb === "SUB") {
            queue = rest.split(" ").length === 4;
            subscribers.push(socket);
          }
          socket.data.text = socket.data.text.slice(size);
        }
        if (deliveries.length === 0 || subscribers.length === 0) return;
        for (const target of queue ? [subscribers[turn++ % subscribers.length]] : subscribers) {
          const altered = [...deliveries];
          alter(altered, target);
          target.write(altered.join(""));
        }
      },
    },
  });
}

const workload = (options: Workload["options"], role: Workload["role"] = "run"): Workload => ({ id: "test", role, options, figures: [] });

async function measureFaulty(alter: Alter, options: Workload["options"]): Promise<Sample | Failure> {
  const server = startFaulty(alter);
  const result = await measure(workload({ size: 16, ...options }), { port: server.port, pid: process.pid }, 1, 1_500);
  server.stop(true);
  return result;
}

/** Applies a fault to one read only, once some messages are through. */
function once(fault: Alter): Alter {
  let reads = 0;
  return (deliveries, subscriber) => {
    if (++reads === 2) fault(deliveries, subscriber);
  };
}

describe.skipIf(Bun.which("cc") === null)("the load generator", () => {
  beforeAll(compileLoad);

  test("counts every delivery to each of two subscribers, of one publisher", async () => {
    expect(await measureFaulty(() => {}, { subscribers: 2, messages: 3_000 })).toMatchObject({ messages: 3_000, deliveries: 6_000 });
  });

  test("counts a queue group's deliveries once, however they are spread", async () => {
    expect(await measureFaulty(() => {}, { subscribers: 2, queue: 1, messages: 3_000 })).toMatchObject({ deliveries: 3_000 });
  });

  test("counts messages on many subjects", async () => {
    expect(await measureFaulty(() => {}, { subscribers: 1, subjects: 100, messages: 3_000 })).toMatchObject({ deliveries: 3_000 });
  });

  test("a PING between two messages is answered and not counted", async () => {
    const ping = once(deliveries => deliveries.splice(deliveries.length >> 1, 0, "PING\r\n"));
    expect(await measureFaulty(ping, { subscribers: 1, messages: 3_000 })).toMatchObject({ deliveries: 3_000 });
  });

  test("a lost message is a timeout, not a hang", async () => {
    const result = await measureFaulty(
      once(deliveries => deliveries.pop()),
      { subscribers: 1, messages: 3_000 },
    );
    expect((result as Failure).error).toStartWith("timed out while");
  });

  test("a message delivered twice is a failure", async () => {
    const result = await measureFaulty(
      once(deliveries => deliveries.push(deliveries[0])),
      { subscribers: 1, messages: 3_000 },
    );
    expect((result as Failure).error).toMatch(/more than the \d+ messages published|messages beyond those published/);
  });

  test("one wrong byte in the first message is a failure", async () => {
    const flip: Alter = deliveries => {
      deliveries[0] = deliveries[0].replace("abc", "aBc");
    };
    const result = await measureFaulty(flip, { subscribers: 1, messages: 3_000 });
    expect((result as Failure).error).toStartWith("the first message differs");
  });

  test("a slow consumer that is told so and closed is a failure that quotes the server", async () => {
    const close = once((deliveries, subscriber) => {
      deliveries.push("-ERR 'Slow Consumer'\r\n");
      queueMicrotask(() => subscriber.end());
    });
    const result = await measureFaulty(close, { subscribers: 1, messages: 3_000 });
    expect(result).toEqual({ error: "the server says -ERR 'Slow Consumer'" });
  });

  test("a connection closed without a word is a failure", async () => {
    const close = once((_, subscriber) => void subscriber.terminate());
    const result = await measureFaulty(close, { subscribers: 1, messages: 3_000 });
    expect((result as Failure).error).toMatch(/closed the connection|reset by peer/);
  });
});
