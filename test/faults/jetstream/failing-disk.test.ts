/** Errors of the disk while messages are published: who waits hears of it, what is stored can be read, and the server runs. */
import { expect, test } from "bun:test";
import { SYSTEM_CLOCK } from "../../../src/base/clock/clock.ts";
import type { Logger } from "../../../src/base/log/logger.ts";
import { completeOptions } from "../../../src/config/schema/complete-options.ts";
import type { GivenOptions } from "../../../src/config/schema/given/given-options.ts";
import { healthzOf } from "../../../src/operations/monitor/healthz.ts";
import { Server } from "../../../src/server/process/server.ts";
import { type DiskOperation, SimulatedDisk, type SimulatedDiskOptions } from "../../doubles/simulated-disk.ts";
import { type Answer, RawClient } from "../../jetstream/sequences/raw-client.ts";

class FailingServer implements AsyncDisposable {
  readonly disk: SimulatedDisk;
  private server!: Server;
  client!: RawClient;
  private readonly clients: RawClient[] = [];
  readonly lines: string[] = [];

  private constructor(options: Partial<SimulatedDiskOptions>) {
    this.disk = new SimulatedDisk({ seed: 1, ...options });
  }

  static async start(options: Partial<SimulatedDiskOptions> = {}): Promise<FailingServer> {
    const failing = new FailingServer(options);
    await failing.open();
    await failing.ask("$JS.API.STREAM.CREATE.S", '{"name":"S","subjects":["s.>"],"allow_rollup_hdrs":true}');
    return failing;
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Texts of the answers. */
  async publish(count: number, bytes = 10): Promise<string[]> {
    const message = { subject: "s.1", header: "", payload: "x".repeat(bytes), replyEnd: "" };
    return (await this.client.askAll(Array.from({ length: count }, () => message))).map(textOf);
  }

  async ask(subject: string, payload = "", header = ""): Promise<string> {
    return textOf(await this.client.ask({ subject, header, payload, replyEnd: "" }));
  }

  /** A client that gets messages of the system account. */
  async watch(subject: string): Promise<RawClient> {
    const client = await RawClient.open(this.server.shard.port, "s");
    this.clients.push(client);
    await client.subscribe(subject);
    return client;
  }

  state(): { readonly messages: number; readonly isDurable: boolean } {
    const { store } = this.server.shard.jetStream!.engine.accounts.get("U")!.streams.get("S")!;
    return { messages: store.state.messages, isDurable: store.durable === store.applied };
  }

  /** The error of the health check; null: healthy. */
  health(): string | null {
    const options = { account: "", stream: "", consumer: "", details: false, enabledOnly: false, serverOnly: false };
    const checking = healthzOf(this.server, options);
    for (;;) {
      const { done, value } = checking.next();
      if (done) return value.error ?? null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async open(): Promise<void> {
    const given: GivenOptions = {
      host: "127.0.0.1",
      port: 0,
      jetStream: { storeDirectory: "/store", memoryBytesMax: 1e9, fileBytesMax: 1e9 },
      accounts: [
        { name: "U", jetStream: true, users: [{ user: "u", password: "u" }] },
        { name: "SYS", users: [{ user: "s", password: "s" }] },
      ],
      systemAccount: "SYS",
    };
    this.server = new Server(completeOptions(given), { log: this.log(), disk: this.disk });
    await this.server.start();
    this.client = await RawClient.open(this.server.shard.port, "u");
    this.clients.push(this.client);
  }

  private log(): Logger {
    const keep = (text: string) => void this.lines.push(text);
    const log = { debug: keep, trace: keep, notice: keep, warn: keep, warnRateLimited: keep, error: keep, fatal: keep };
    return { ...log, debugEnabled: false, traceEnabled: false } as Logger;
  }

  private async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await this.server.stop();
  }
}

function textOf([answer]: readonly Answer[]): string {
  return answer === undefined ? "no answer" : answer.payload.toString();
}

const FAILED = (call: string) => `{"error":{"code":503,"err_code":10077,"description":"EIO: ${call}"},"stream":"S","seq":0}`;

test.each<[DiskOperation, string]>([
  ["sync", "fdatasync"],
  ["write", "write"],
])(
  "a failed %s: who waits and who publishes later get the error, reads go on, and the stream is frozen until it is opened again",
  async (operation, call) => {
    await using failing = await FailingServer.start();
    const { disk } = failing;
    expect(await failing.publish(3)).toEqual([1, 2, 3].map(seq => `{"stream":"S","seq":${seq}}`));
    disk.failAt(operation, 1);
    const error = FAILED(call);
    expect(await failing.publish(50)).toEqual(Array(50).fill(error));
    expect(await failing.publish(2)).toEqual([error, error]);
    expect(failing.health()).toBe(`JetStream stream 'U > S' write error: EIO: ${call}`);
    expect(await failing.ask("$JS.API.STREAM.MSG.GET.S", '{"seq":3}')).toContain('"seq":3');
    expect(await failing.ask("$JS.API.STREAM.PURGE.S")).toContain(`"err_code":10110,"description":"EIO: ${call}"`);
    expect(await failing.ask("$JS.API.STREAM.MSG.DELETE.S", '{"seq":1}')).toContain(`"err_code":10057,"description":"EIO: ${call}"`);
    await failing.reopen();
    expect(failing.health()).toBeNull();
    expect(await failing.ask("$JS.API.STREAM.MSG.GET.S", '{"seq":3}')).toContain('"seq":3');
    expect((await failing.publish(1))[0]).toMatch(/^\{"stream":"S","seq":\d+\}$/);
  },
);

test("a failed write of a large message, which is written at once, is answered too", async () => {
  await using failing = await FailingServer.start();
  failing.disk.failAt("write", 1);
  expect(await failing.publish(1, 900_000)).toEqual([FAILED("write")]);
  expect(failing.health()).toBe("JetStream stream 'U > S' write error: EIO: write");
});

test("a write that fails between two messages of a turn", async () => {
  await using failing = await FailingServer.start();
  failing.disk.failAt("write", 2);
  const answers = await failing.publish(8, 900_000);
  expect(answers.filter(answer => answer !== FAILED("write") && !/^\{"stream":"S","seq":\d+\}$/.test(answer))).toEqual([]);
  expect(answers.at(-1)).toBe(FAILED("write"));
  const stored = answers.filter(answer => answer !== FAILED("write")).length;
  await failing.reopen();
  expect(failing.state().messages).toBeGreaterThanOrEqual(stored);
});

test("a full disk: who waits gets 10023, the system account is told, and reads go on", async () => {
  await using failing = await FailingServer.start({ capacityBytes: 200_000 });
  const watcher = await failing.watch("$JS.EVENT.ADVISORY.SERVER.OUT_OF_STORAGE");
  expect(await failing.publish(2)).toEqual(['{"stream":"S","seq":1}', '{"stream":"S","seq":2}']);
  const answers = await failing.publish(300, 1_000);
  const full = '{"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"stream":"S","seq":0}';
  expect(answers.at(-1)).toBe(full);
  expect(answers.filter(answer => answer !== full && !/^\{"stream":"S","seq":\d+\}$/.test(answer))).toEqual([]);
  await watcher.untilTaken(1, () => true);
  const { type, stream } = JSON.parse(watcher.taken()[0]!.payload.toString());
  expect([type, stream]).toEqual(["io.nats.jetstream.advisory.v1.server_out_of_space", "S"]);
  expect(await failing.ask("$JS.API.STREAM.MSG.GET.S", '{"seq":2}')).toContain('"seq":2');
  expect(failing.health()).toBeNull();
});

test("a disk that is full in the middle of a write: who waits gets 10023, reads go on, and what is held is stored when there is room", async () => {
  await using failing = await FailingServer.start();
  await failing.ask("$JS.API.STREAM.CREATE.C", '{"name":"C","subjects":["c"],"republish":{"src":"c","dest":"copy.c"}}');
  await failing.client.subscribe("copy.>");
  expect(await failing.ask("c", "one")).toBe('{"stream":"C","seq":1}');
  failing.disk.failAt("write", 1, "ENOSPC");
  failing.disk.failAt("write", 2, "ENOSPC");
  const full = '{"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"stream":"C","seq":0}';
  expect(await failing.ask("c", "two")).toBe(full);
  expect(await failing.ask("$JS.API.STREAM.MSG.GET.C", '{"seq":1}')).toContain('"seq":1');
  await failing.client.untilTaken(2, ({ subject }) => subject === "copy.c");
  expect(await failing.ask("c", "three")).toBe('{"stream":"C","seq":3}');
  expect(failing.health()).toBeNull();
});

test("a roll-up is acknowledged when all that it removes is gone for good", async () => {
  await using failing = await FailingServer.start({ clock: SYSTEM_CLOCK, syncDelayMs: () => 5 });
  await failing.publish(20_000, 1);
  expect(failing.state()).toEqual({ messages: 20_000, isDurable: true });
  expect(await failing.ask("s.2", "all", "NATS/1.0\r\nNats-Rollup: all\r\n\r\n")).toBe('{"stream":"S","seq":20001}');
  expect(failing.state()).toEqual({ messages: 1, isDurable: true });
});
