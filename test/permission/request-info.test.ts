/** The header that tells a service of another account who sent the request; clients cannot forge it. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { TextConnection } from "../library/text-connection.ts";

const CONFIG = `accounts {
  A { users [ { user: a, password: a } ], imports [ { service: { account: B, subject: b } }, { service: { account: C, subject: c } } ] }
  B { users [ { user: b, password: b } ], exports [ { service: b } ] }
  C { users [ { user: c, password: c } ], exports [ { service: c } ] }
}`;
const FORGED = 'NATS/1.0\r\nNats-Request-Info: {"acc":"SYS","user":"root"}\r\n\r\n';

const withForged = (subject: string, reply = "") => `HPUB ${subject} ${reply} ${FORGED.length} ${FORGED.length}\r\n${FORGED}\r\n`;
const infoOf = (text: string): Record<string, unknown> => JSON.parse(/Nats-Request-Info: (.*)\r\n/.exec(text)![1]!);

async function withServer(use: (open: (user: string) => Promise<TextConnection>) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-info-"));
  const configFile = join(directory, "nats.conf");
  writeFileSync(configFile, CONFIG);
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, configFile });
  try {
    await use(user => TextConnection.open(server, { user, pass: user }));
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}

test("a request names its sender, and replaces a forged header", async () => {
  await withServer(async open => {
    const [a, c] = [await open("a"), await open("c")];
    await c.exchange("SUB c 1\r\n");
    await a.exchange(withForged("c"));
    expect(infoOf(await c.exchange())).toEqual({ acc: "A", rtt: expect.any(Number) });
  });
});

test("an answer that becomes a request to a third account names the responder, and replaces a forged header", async () => {
  await withServer(async open => {
    const [a, b, c] = [await open("a"), await open("b"), await open("c")];
    await b.exchange("SUB b 1\r\n");
    await c.exchange("SUB c 1\r\n");
    await a.exchange("PUB b c 0\r\n\r\n"); // the answer goes to what A imports from C
    const [, , , address] = (await b.exchange()).split(" ");
    await b.exchange(withForged(address!));
    expect(infoOf(await c.exchange())).toEqual({ acc: "B", rtt: expect.any(Number) });
  });
});

test("client headers that imitate Nats-Request-Info are removed", async () => {
  await withServer(async open => {
    const [a, c] = [await open("a"), await open("c")];
    await c.exchange("SUB c 1\r\n");
    const header = 'NATS/1.0\r\nA: b\nNats-Request-Info: {"acc":"SYS"}\r\nnats-request-info: {"acc":"SYS"}\r\n\r\n';
    await a.exchange(`HPUB c ${header.length} ${header.length}\r\n${header}\r\n`);
    const lines = (await c.exchange()).split(/\r?\n/);
    expect(lines.slice(1)).toEqual(["NATS/1.0", "A: b", expect.stringMatching(/^Nats-Request-Info: \{"acc":"A","rtt":\d+\}$/), "", "", ""]);
  });
});
