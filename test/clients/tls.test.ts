/** Official clients over TLS: nats.js under Bun and Node, and the `nats` tool, with every order of INFO and handshake, and client certificates. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import type { TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { needs } from "../reference/programs.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { NatsCli } from "./nats-cli.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());
const clientFiles = trust.directory.store("client", trust.root.issue({ subject: "CN=client" }));
const root = join(import.meta.dir, "../..");

interface Case {
  readonly title: string;
  readonly tls: Partial<TlsOptions>;
  readonly allowNonTls?: boolean;
  /** Options of the client. */
  readonly client: { readonly handshakeFirst?: boolean; readonly certificate?: boolean };
}

const CASES: readonly Case[] = [
  { title: "INFO, then the handshake", tls: {}, client: {} },
  { title: "the handshake first", tls: { handshakeFirst: true }, client: { handshakeFirst: true } },
  {
    title: "auto, and a client that begins",
    tls: { handshakeFirst: true, handshakeFirstFallbackMs: 10_000 },
    client: { handshakeFirst: true },
  },
  { title: "auto, and a client that waits", tls: { handshakeFirst: true, handshakeFirstFallbackMs: 50 }, client: {} },
  { title: "allow_non_tls", tls: {}, allowNonTls: true, client: {} },
  { title: "certificates on both sides", tls: { verify: true, caFile: trust.caFile }, client: { certificate: true } },
];

const start = ({ tls, allowNonTls = false }: Case) => NatsServer.start({ host: "127.0.0.1", port: 0, tls: trust.tls(tls), allowNonTls });

/** Runs under both runtimes: connects with the options in its argument, sends itself a large and a small message, prints the size received. */
const SCRIPT = `
import { connect } from "@nats-io/transport-node";
const { port, tls } = JSON.parse(process.argv.at(-1));
const nc = await connect({ servers: "localhost:" + port, tls, timeout: 60_000 });
const sub = nc.subscribe("a", { max: 2 });
nc.publish("a", new Uint8Array(500_000).fill(7));
nc.publish("a", "done");
let size = 0;
for await (const message of sub) size += message.data.length;
await nc.close();
console.log("received " + size);
`;

for (const [runtime, command] of [
  ["Bun", [process.execPath, "--eval", SCRIPT]],
  ["Node", [Bun.which("node"), "--input-type=module", "--eval", SCRIPT]],
] satisfies [string, (string | null)[]][]) {
  const skipped = command[0] === null && process.env.CI !== "true";
  describe.skipIf(skipped)(skipped ? `nats.js under ${runtime} (which was not found)` : `nats.js under ${runtime}`, () => {
    for (const given of CASES) {
      test(given.title, async () => {
        await using server = await start(given);
        const { handshakeFirst = false, certificate = false } = given.client;
        const tls = { caFile: trust.caFile, handshakeFirst, ...(certificate ? clientFiles : {}) };
        const child = Bun.spawn([...(command as string[]), "--", JSON.stringify({ port: server.port, tls })], {
          cwd: root,
          stdout: "pipe",
          stderr: "pipe",
        });
        const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
        expect(`${output}${errors}`).toBe("received 500004\n");
      });
    }
  });
}

needs(["nats"], () =>
  describe("nats", () => {
    for (const given of CASES) {
      test(given.title, async () => {
        await using server = await start(given);
        using nats = new NatsCli(`tls://localhost:${server.port}`);
        const { handshakeFirst = false, certificate = false } = given.client;
        const flags = ["--tlsca", trust.caFile];
        if (handshakeFirst) flags.push("--tlsfirst");
        if (certificate) flags.push("--tlscert", clientFiles.certFile, "--tlskey", clientFiles.keyFile);
        const { errors, status } = await nats.run(...flags, "pub", "a", "hello");
        expect([status, errors]).toEqual([0, expect.stringContaining('Published 5 bytes to "a"')]);
      });
    }

    test("a client without a certificate is refused where one is required", async () => {
      await using server = await start(CASES.at(-1)!);
      using nats = new NatsCli(`tls://localhost:${server.port}`);
      expect((await nats.run("--tlsca", trust.caFile, "pub", "a", "hello")).status).not.toBe(0);
    });
  }),
);
