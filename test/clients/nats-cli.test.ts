/** `nats`, the command line tool of the NATS project, against our server: its most common commands. */
import { test as bunTest, expect } from "bun:test";
import { TestServer } from "../faults/test-server.ts";
import { until } from "../faults/until.ts";
import { needs } from "../reference/programs.ts";
import { NatsCli } from "./nats-cli.ts";

function test(
  title: string,
  options: Parameters<typeof TestServer.open>[0],
  run: (cli: NatsCli, server: TestServer) => Promise<void>,
): void {
  bunTest(title, async () => {
    await using server = TestServer.open(options);
    using cli = new NatsCli(`nats://127.0.0.1:${server.port}`);
    await run(cli, server);
    await server.cleared();
  });
}

async function waitForSubscriptions(server: TestServer, count: number): Promise<void> {
  const interest = server.globalAccount.interest;
  await until(
    () => interest.all().length === count,
    () => `${interest.all().length} subscriptions instead of ${count}`,
  );
}

needs(["nats"], () => {
  test("nats pub and nats sub: published messages are shown with their headers", {}, async (cli, server) => {
    const raw = cli.run("sub", "a.>", "--count", "2", "--raw");
    const withHeaders = cli.run("sub", "a.b", "--count", "1");
    await waitForSubscriptions(server, 2);
    for (const words of [
      ["a.b", "hello", "-H", "Kind:first", "-H", "Kind:second"],
      ["a.c", "again"],
    ]) {
      expect((await cli.run("pub", ...words)).status).toBe(0);
    }
    expect(await raw).toEqual({ output: "hello\nagain\n", errors: "", status: 0 });
    const { output, status } = await withHeaders;
    expect({ status, lines: output.trim().split("\n") }).toEqual({
      status: 0,
      lines: [expect.stringContaining('Received on "a.b"'), "Kind: first", "Kind: second", "", "hello"],
    });
  });

  test("nats request and nats reply: a service answers", {}, async (cli, server) => {
    const service = cli.run("reply", "help", "you said {{Request}}", "--count", "1");
    await waitForSubscriptions(server, 1);
    const answer = await cli.run("request", "help", "hello", "--raw");
    expect({ ...answer, output: answer.output.trim() }).toEqual({ output: "you said hello", errors: "", status: 0 });
    expect((await service).output.trim()).toBe("hello");
  });

  test("nats request without a service fails at once", {}, async cli => {
    const { errors } = await cli.run("request", "unserved", "hello", "--timeout", "20s");
    expect(errors).toContain("No responders are available");
  });

  test("nats rtt measures the round trip", {}, async (cli, server) => {
    const { output, status } = await cli.run("rtt", "--json", "3");
    expect(status).toBe(0);
    const [{ results }] = JSON.parse(output) as [{ results: { address: string; rtt: number }[] }];
    expect(results).toEqual([expect.objectContaining({ address: `nats://127.0.0.1:${server.port}`, rtt: expect.any(Number) })]);
    expect(results[0]!.rtt).toBeGreaterThan(0);
  });

  test("nats bench pub and nats bench sub: every message arrives", {}, async (cli, server) => {
    const subscriber = cli.run("bench", "sub", "load", "--clients", "2", "--msgs", "50000", "--no-progress");
    await waitForSubscriptions(server, 2);
    const publisher = await cli.run("bench", "pub", "load", "--clients", "2", "--msgs", "50000", "--no-progress");
    expect(publisher.status).toBe(0);
    expect(await subscriber).toMatchObject({ status: 0 }); // it ends after the last message
    const { inMessages, outMessages } = server.counters;
    expect({ inMessages, outMessages }).toEqual({ inMessages: 50_000, outMessages: 100_000 });
  });

  test("nats with a correct and with a wrong password", { authorization: { user: "ann", password: "secret" } }, async cli => {
    expect((await cli.run("pub", "a", "b", "--user", "ann", "--password", "secret")).status).toBe(0);
    const refused = await cli.run("pub", "a", "b", "--user", "ann", "--password", "wrong");
    expect(refused.status).not.toBe(0);
    expect(refused.errors.toLowerCase()).toContain("authorization violation");
  });
});
