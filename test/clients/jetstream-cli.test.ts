/** `nats`, the command line tool, about JetStream: accounts, reports and checks. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { needs } from "../reference/programs.ts";
import { NatsCli } from "./nats-cli.ts";

/** Account A has JetStream, C reaches it under `js.A.…`, and B has limits. */
const CONFIG = `
listen: "127.0.0.1:-1"
server_name: one
accounts {
  A {
    jetstream: enabled
    users: [{ user: a, password: p }]
    exports: [{ service: "$JS.API.>" }, { service: "s.>" }]
  }
  B { jetstream { max_mem: 1M, max_file: 2M, max_streams: 3, max_consumers: 4 }, users: [{ user: b, password: p }] }
  C {
    users: [{ user: c, password: p }]
    imports: [{ service: { account: A, subject: "$JS.API.>" }, to: "js.A.>" }, { service: { account: A, subject: "s.>" } }]
  }
  SYS { users: [{ user: s, password: p }] }
}
system_account: SYS`;

needs(["nats"], () => {
  test("nats knows accounts, other accounts' streams, domains, reports and checks of JetStream", async () => {
    const directory = mkdtempSync(join(tmpdir(), "bunats-cli-"));
    const configFile = join(directory, "server.conf");
    writeFileSync(configFile, `${CONFIG}\njetstream { store_dir: "${directory}", max_mem: 10M, max_file: 20M, domain: hub }`);
    const server = await NatsServer.start({ configFile });
    const as = (user: string) => new NatsCli(`nats://${user}:p@127.0.0.1:${server.port}`);
    using a = as("a");
    using b = as("b");
    using c = as("c");
    using s = as("s");
    const run = async (cli: NatsCli, ...words: string[]) => {
      const { output, errors, status } = await cli.run(...words);
      expect({ words, status, errors }).toEqual({ words, status: 0, errors: expect.any(String) });
      return output;
    };
    await run(a, "stream", "add", "S", "--subjects", "s.>", "--defaults");
    await run(a, "pub", "--jetstream", "s.1", "hello");
    await run(c, "pub", "s.2", "from another account");

    expect(await run(a, "account", "info")).toMatch(/JetStream Account Information for domain hub[\s\S]*Streams: 1 of Unlimited/);
    expect(await run(b, "account", "info")).toMatch(/Memory: 0 B of 977 KiB[\s\S]*Streams: 0 of 3[\s\S]*Consumers: Maximum 4 per stream/);
    expect(await run(a, "--js-domain", "hub", "stream", "ls", "--names")).toBe("S\n");
    expect(await run(c, "--js-api-prefix", "js.A", "stream", "info", "S")).toMatch(/Messages: 2\n/);
    expect(await run(c, "--js-api-prefix", "js.A", "stream", "get", "S", "2")).toContain("from another account");
    expect((await c.run("stream", "ls")).errors).toContain("JetStream not enabled for account");
    expect(await run(s, "server", "report", "jetstream")).toMatch(/one\b.*\bhub\b/);
    expect(await run(a, "server", "check", "jetstream")).toMatch(/^OK JetStream/);
    expect(await run(a, "server", "check", "stream", "--stream", "S")).toMatch(/^OK /);
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);
});
