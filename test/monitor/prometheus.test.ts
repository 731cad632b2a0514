/** Prometheus reads our metrics: its linter and its server. Debian's package `prometheus` has both. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../reference/programs.ts";
import { client, startOurs } from "./monitored-pair.ts";

/** Prometheus takes about a second to start. */
const ANSWER_MS = 60_000;

needs(["prometheus", "promtool"], () => {
  test(`promtool reports only names that the exporter has too`, async () => {
    await using server = await startOurs({ noSystemAccount: true });
    const connection = await client(server, { name: "a" });
    for (const query of ["", "?connz_detailed=1"]) {
      const text = await (await fetch(`http://127.0.0.1:${server.monitorPort}/metrics${query}`)).text();
      const { stderr } = Bun.spawnSync(["promtool", "check", "metrics"], { stdin: Buffer.from(text) });
      const faults = stderr.toString().trimEnd().split("\n");
      expect(faults.sort()).toEqual(
        ["gnatsd_connz_total", "gnatsd_leafz_conn_nodes_total", "gnatsd_subsz_total"].map(
          name => `${name} non-counter metrics should not have "_total" suffix`,
        ),
      );
    }
    connection.close();
  });

  test(`a Prometheus server that scrapes ours has its numbers`, async () => {
    await using server = await startOurs({ noSystemAccount: true });
    const connection = await client(server, { name: "a" }, "SUB a 1\r\nSUB b 2\r\n");
    await using prometheus = await Prometheus.start(`127.0.0.1:${server.monitorPort}`);
    expect(await prometheus.value("gnatsd_varz_subscriptions")).toBe(2);
    expect(await prometheus.value('gnatsd_connz_subscriptions{name="a",kind="Client"}')).toBe(2);
    expect(await prometheus.value("up")).toBe(1);
    connection.close();
  }, 120_000);
});

interface Answer {
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

class Prometheus implements AsyncDisposable {
  private constructor(
    private readonly process: Bun.Subprocess,
    private readonly directory: string,
    private readonly url: string,
  ) {}

  static async start(target: string): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), "bunats-prometheus-"));
    const config = join(directory, "prometheus.yml");
    const scrape = { job_name: "nats", params: { connz_detailed: ["1"] }, static_configs: [{ targets: [target] }] };
    await Bun.write(config, JSON.stringify({ global: { scrape_interval: "1s", scrape_timeout: "1s" }, scrape_configs: [scrape] })); // YAML
    const address = `127.0.0.1:${freePort()}`;
    const flags = [`--config.file=${config}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=${address}`];
    const process = Bun.spawn(["prometheus", ...flags], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    return new Prometheus(process, directory, `http://${address}`);
  }

  /** Queries until there is a sample. */
  async value(query: string): Promise<number> {
    const deadline = performance.now() + ANSWER_MS;
    while (performance.now() < deadline) {
      const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(query)}`).then(
        response => (response.ok ? (response.json() as Promise<Answer>) : null), // 503: it is starting
        () => null, // it does not listen yet
      );
      const sample = answer?.data?.result[0];
      if (sample !== undefined) return Number(sample.value[1]);
      if (this.process.exitCode !== null) throw new Error(`prometheus has exited with ${this.process.exitCode}`);
      await Bun.sleep(20); // the poll interval of a condition: it has no event to wait for
    }
    throw new Error(`prometheus has no ${query} within ${ANSWER_MS} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A port without a listener: Prometheus does not report which free port it takes. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
