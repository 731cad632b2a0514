/** The header that tells a service of another account who sent the request; clients cannot forge it. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { readMimeHeader } from "../../src/messaging/header/mime-header.ts";
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

test("a malformed header block neither hides Nats-Request-Info nor keeps a forged one", async () => {
  const forged = 'Nats-Request-Info: {"acc":"SYS"}';
  const blocks = [
    `NATS/1.0\r\n\r\n${forged}\r\n\r\n`,
    `NATS/1.0\r\nA: b\r\n\r\n\r\n`,
    `NATS/1.0\r\nA: b`,
    `NATS/1.0\r\n${forged}`,
    `NATS/1.0\r\nA: b\r${forged}\r\n\r\n`,
    `NATS/1.0\r${forged}\r\r\r\n\r\n`,
    `${forged}\r\n\r\n`,
    `${forged}`,
    `NATS/1.0 ${forged}\r\n\r\n`,
    `NATS/1.0\r\nno field\r\n\r\n`,
    `NATS/1.0\r\n A: b\r\n\r\n`,
    `NATS/1.0\r\nA: \x00\r\n\r\n`,
    `NATS/1.0\r\n`,
    `NATS/1.0`,
    `\r\n`,
    `x`,
  ];
  await withServer(async open => {
    const [a, c] = [await open("a"), await open("c")];
    await c.exchange("SUB c 1\r\n");
    for (const block of blocks) {
      await a.exchange(`HPUB c ${block.length} ${block.length}\r\n${block}\r\n`);
      const received = await c.exchange();
      const header = received.slice(received.indexOf("\r\n") + 2, -2);
      const fields = readMimeHeader(Buffer.from(header, "latin1"));
      expect(fields?.get("Nats-Request-Info"), JSON.stringify(block)).toEqual([expect.stringMatching(/^\{"acc":"A","rtt":\d+\}$/)]);
      expect(header.split(/\r|\n/).filter(line => /request-info/i.test(line)).length, JSON.stringify(block)).toBe(1);
    }
  });
});
