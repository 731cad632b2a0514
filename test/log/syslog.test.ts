/** Messages to syslog daemons, from our server and from the reference. */

import { dlopen, ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { ServerLogger } from "../../src/base/log/server-logger.ts";
import { SyslogSink } from "../../src/base/log/syslog-sink.ts";
import { outcomeOf, PROGRAM, TemporaryDirectory } from "../cli/program.ts";
import { askBoth, live, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

/** Received messages, and a way to wait for more. */
class Mailbox {
  readonly messages: string[] = [];
  private wake = Promise.withResolvers<void>();

  add(text: string): void {
    this.messages.push(text);
    this.wake.resolve();
    this.wake = Promise.withResolvers<void>();
  }

  /** Waits until the messages contain `text`. @returns all messages so far */
  async waitFor(text: string): Promise<string[]> {
    while (!this.messages.join("").includes(text)) await this.wake.promise;
    return this.messages;
  }
}

/** A message without the parts that may differ between two senders. */
const neutral = (message: string) =>
  message
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)/, "<time>")
    .replace(/\[\d+\]/, "[<pid>]")
    .replace(/> \S+/, match => (match.includes("time") ? match : "> <host>"))
    .replace(/(<time>) \S+ \S+?\[/, "$1 <host> <tag>[");

async function udpDaemon() {
  const mailbox = new Mailbox();
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_socket, bytes) => mailbox.add(bytes.toString()) },
  });
  return { mailbox, socket };
}

async function startLines(command: readonly string[]): Promise<string[]> {
  const { mailbox, socket } = await udpDaemon();
  const child = Bun.spawn([...command, "-a", "127.0.0.1", "-p", "-1", "-r", `udp://127.0.0.1:${socket.port}`], { stderr: "ignore" });
  try {
    const lines = await mailbox.waitFor("Server is ready");
    return lines.map(neutral).filter(line => line.includes("Starting") || line.includes("ready"));
  } finally {
    child.kill();
    await child.exited;
    socket.close();
  }
}

it.compared(`a syslog server gets the same messages as from the reference`, async () => {
  const [ours, theirs] = await askBoth(
    () => startLines(PROGRAM),
    () => startLines([reference.path!]),
  );
  expect(ours).toEqual(theirs);
  expect(ours[0]).toBe("<5><time> <host> <tag>[<pid>]: Starting nats-server\n");
});

test("levels become severities", async () => {
  const { mailbox, socket } = await udpDaemon();
  const log = new ServerLogger({ remoteSyslog: `udp://127.0.0.1:${socket.port}`, debug: true, trace: true });
  for (const level of ["fatal", "error", "warn", "notice", "trace", "debug"] as const) log[level](level);
  const messages = await mailbox.waitFor("debug");
  socket.close();
  expect(messages.map(message => message.slice(0, 3) + message.slice(message.indexOf("]:")))).toEqual([
    "<2>]: fatal\n",
    "<3>]: error\n",
    "<4>]: warn\n",
    "<5>]: notice\n",
    "<5>]: trace\n",
    "<7>]: debug\n",
  ]);
});

test("over TCP and a Unix socket lines wait for the connection and keep their order", async () => {
  using directory = new TemporaryDirectory();
  const mailbox = new Mailbox();
  const socket = { data: (_socket: unknown, bytes: Buffer) => mailbox.add(bytes.toString()) };
  const tcp = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  const log = new ServerLogger({ remoteSyslog: `tcp://127.0.0.1:${tcp.port}` });
  for (let i = 0; i < 500; i++) log.notice(`tcp line ${i};`);
  const text = (await mailbox.waitFor("tcp line 499;")).join("");
  expect([...text.matchAll(/tcp line (\d+);/g)].map(match => match[1])).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  tcp.stop(true);
  const unix = Bun.listen({ unix: join(directory.path, "log"), socket });
  const overUnix = new ServerLogger({ remoteSyslog: `unix://${join(directory.path, "log")}` });
  overUnix.warn("over a unix socket");
  await mailbox.waitFor("over a unix socket");
  unix.stop(true);
});

test("the local daemon gets datagrams", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "log");
  const receive = datagramReceiver(path);
  const sink = SyslogSink.local(SYSTEM_CLOCK, ["/nonexistent", path]);
  sink.add("ERR", "on fire", new Date(2026, 0, 3, 4, 5, 6).getTime());
  sink.close();
  expect(receive().replace(/ [^ ]+\[\d+\]/, " <tag>[<pid>]")).toBe("<27>Jan  3 04:05:06 <tag>[<pid>]: on fire\n");
});

test("syslog without a local daemon is refused", () => {
  expect(() => SyslogSink.local(SYSTEM_CLOCK, ["/nonexistent", "/tmp"])).toThrow(
    'error connecting to syslog: "Unix syslog delivery error"',
  );
});

/** A port without a listener, and a missing file. */
const UNREACHABLE = [
  ["tcp://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"],
  ["unix:///no/such/socket", "dial unix /no/such/socket: connect: no such file or directory"],
] as const;

for (const [url, reason] of UNREACHABLE) {
  const end = async (command: readonly string[]) => {
    const { status, err } = await outcomeOf([...command, "-p", "-1", "-r", url]);
    return { status, err: err.replace(/^\d{4}\/\d\d\/\d\d [\d:]+ /, "") };
  };
  const expected = { status: 1, err: `error connecting to syslog: ${JSON.stringify(reason)}\n` };
  test(`ours: ${url} without a daemon ends with status 1`, async () => expect(await end(PROGRAM)).toEqual(expected));
  live.test(`reference: ${url} without a daemon ends with status 1`, async () => {
    expect(await end([reference.path!])).toEqual(expected);
  });
}

/** Binds a datagram socket; the function returned reads one message from it. */
function datagramReceiver(path: string): () => string {
  const { symbols } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const name = Buffer.from(path);
  const address = Buffer.alloc(3 + name.length);
  address.writeUInt16LE(1, 0);
  name.copy(address, 2);
  const fd = symbols.socket(1, 2, 0);
  expect(symbols.bind(fd, ptr(address), address.length)).toBe(0);
  return () => {
    const buffer = Buffer.alloc(4_096);
    const size = Number(symbols.recv(fd, ptr(buffer), buffer.length, 0));
    symbols.close(fd);
    return buffer.toString("utf8", 0, size);
  };
}
