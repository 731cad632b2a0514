/** Real clients over TLS: nats.js under Bun and Node, and the `nats` tool, with every order of INFO and handshake, and certificates. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import type { TlsOptions } from "../../src/wire/transport/tls/tls-options.ts";
import { needs } from "../reference/programs.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { NatsCli } from "./nats-cli.ts";

const trust = new TestAuthority();
afterAll(() => trust[Symbol.dispose]());
const client = trust.directory.store("client", trust.root.issue({ subject: "CN=client" }));
const root = join(import.meta.dir, "../..");

interface Case {
  readonly title: string;
  readonly tls: Partial<TlsOptions>;
  readonly allowNonTls?: boolean;
  /** What the client is told to do. */
  readonly shows: { readonly handshakeFirst?: boolean; readonly certificate?: boolean };
}

const CASES: readonly Case[] = [
  { title: "INFO, then the handshake", tls: {}, shows: {} },
  { title: "the handshake first", tls: { handshakeFirst: true }, shows: { handshakeFirst: true } },
  {
    title: "auto, and a client that begins",
    tls: { handshakeFirst: true, handshakeFirstFallbackMs: 10_000 },
    shows: { handshakeFirst: true },
  },
  { title: "auto, and a client that waits", tls: { handshakeFirst: true, handshakeFirstFallbackMs: 50 }, shows: {} },
  { title: "allow_non_tls", tls: {}, allowNonTls: true, shows: {} },
  { title: "certificates on both sides", tls: { verify: true, caFile: trust.caFile }, shows: { certificate: true } },
];

const start = ({ tls, allowNonTls = false }: Case) => NatsServer.start({ host: "127.0.0.1", port: 0, tls: trust.tls(tls), allowNonTls });

/** Runs under both runtimes: connects with what stands in its argument, sends itself a large and a small message, and prints what came. */
const SCRIPT = `
import { connect } from "@nats-io/transport-node";
const { port, tls } = JSON.parse(process.argv.at(-1));
const nc = await connect({ servers: "localhost:" + port, tls, timeout: 5000 });
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
        const { handshakeFirst = false, certificate = false } = given.shows;
        const tls = { caFile: trust.caFile, handshakeFirst, ...(certificate ? client : {}) };
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
        const { handshakeFirst = false, certificate = false } = given.shows;
        const flags = ["--tlsca", trust.caFile];
        if (handshakeFirst) flags.push("--tlsfirst");
        if (certificate) flags.push("--tlscert", client.certFile, "--tlskey", client.keyFile);
        const { errors, status } = await nats.run(...flags, "pub", "a", "hello");
        expect([status, errors]).toEqual([0, expect.stringContaining('Published 5 bytes to "a"')]);
      });
    }

    test("a client that shows nothing is not let in where certificates are asked for", async () => {
      await using server = await start(CASES.at(-1)!);
      using nats = new NatsCli(`tls://localhost:${server.port}`);
      expect((await nats.run("--tlsca", trust.caFile, "pub", "a", "hello")).status).not.toBe(0);
    });
  }),
);
