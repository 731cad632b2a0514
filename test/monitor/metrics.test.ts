/** `/metrics`: the samples that prometheus-nats-exporter has for a server, under its names, in both text formats. */
import { expect, test } from "bun:test";
import { client, get, json, type Monitored, startOurs } from "./monitored-pair.ts";

/** Samples by name and labels: `name{a="b"}` → value. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-z_:][\w:]*\{.*\}) (\S+)$/.exec(line);
    if (match !== null) samples.set(match[1], Number(match[2]));
  }
  return samples;
}

const namesOf = (text: string) => [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name);

async function scrape(server: Monitored, more = ""): Promise<string> {
  return (await get(server, `/metrics${more}`)).body;
}

test("every number of /varz and /subsz is a metric that is named after its path", async () => {
  await using server = await startOurs();
  await json(server, "/varz");
  const names = new Set(namesOf(await scrape(server)));
  const numbers = (value: object, path: string): string[] =>
    Object.entries(value).flatMap(([key, item]) => {
      const name = `${path}_${key.replaceAll("/", "")}`;
      if (typeof item === "number") return [name];
      return item !== null && typeof item === "object" && !Array.isArray(item) ? numbers(item, name) : [];
    });
  const expected = [...numbers(await json(server, "/varz"), "gnatsd_varz"), ...numbers(await json(server, "/subsz"), "gnatsd_subsz")];
  expect(expected.length).toBeGreaterThan(50);
  expect(expected.filter(name => !names.has(name))).toEqual([]);
  for (const name of ["gnatsd_varz_start", "gnatsd_varz_config_load_time", "gnatsd_varz_version", "gnatsd_varz_server_name"]) {
    expect(names).toContain(name);
  }
});

test("the metrics of the exporter's dashboards exist", async () => {
  await using server = await startOurs({ serverName: "me" });
  const connection = await client(server, {}, "SUB a 1\r\nPUB a 2\r\nhi\r\n");
  const samples = samplesOf(await scrape(server));
  const { server_id } = await json(server, "/varz");
  const varz = (name: string) => samples.get(`gnatsd_varz_${name}{server_id="${server_id}"}`);
  const { connections, in_bytes, in_msgs, out_bytes, out_msgs, slow_consumers, subscriptions } = await json(server, "/varz");
  for (const [name, value] of Object.entries({ connections, in_bytes, in_msgs, out_bytes, out_msgs, slow_consumers, subscriptions })) {
    expect(varz(name), name).toBe(value);
  }
  expect(varz("mem")).toBeGreaterThan(1_000_000);
  expect(varz("cpu")).toBeNumber();
  const jetstream = `{server_id="${server_id}",server_name="me",cluster="",domain="",meta_leader="",is_meta_leader="true"}`;
  expect(samples.get(`jetstream_server_jetstream_disabled${jetstream}`)).toBe(1);
  for (const name of ["total_streams", "total_consumers", "total_messages", "total_message_bytes", "max_memory", "max_storage"]) {
    expect(samples.get(`jetstream_server_${name}${jetstream}`), name).toBe(0);
  }
  connection.close();
});

test("connections, accounts and health have the exporter's names and labels", async () => {
  await using server = await startOurs();
  const connection = await client(server, { name: 'a "b"\\', lang: "go", version: "1" }, "SUB a 1\r\nPUB a 2\r\nhi\r\n");
  const id = (await json(server, "/varz")).server_id;
  const samples = samplesOf(await scrape(server, "?connz_detailed=1"));
  const one = (name: string, labels: string) => samples.get(`gnatsd_${name}{server_id="${id}"${labels}}`);
  const [listed] = (await json(server, "/connz")).connections;
  const labels =
    `,cid="${listed.cid}",kind="Client",type="nats",ip="127.0.0.1",port="${listed.port}",name="a \\"b\\"\\\\",name_tag="$G",account="",` +
    `account_id="",lang="go",version="1",tls_version="",tls_cipher_suite=""`;
  for (const name of ["pending_bytes", "subscriptions", "in_bytes", "out_bytes", "in_msgs", "out_msgs"]) {
    expect(one(`connz_${name}`, labels), name).toBe(listed[name]);
    expect(one(`connz_${name}`, ""), name).toBe(listed[name]); // the sum
  }
  expect(one("connz_start", labels)).toBe(Date.parse(listed.start));
  for (const name of ["last_activity", "rtt", "uptime", "idle"]) expect(one(`connz_${name}`, labels), name).toBeNumber();
  expect(["num_connections", "total", "offset", "limit"].map(name => one(`connz_${name}`, ""))).toEqual([1, 1, 0, 1024]);
  const account = ',account="$G",account_id="$G",account_name="$G"';
  const statistics = "current_connections total_connections subscriptions leaf_nodes sent_messages sent_bytes received_messages";
  expect(`${statistics} received_bytes slow_consumers`.split(" ").map(name => one(`accstatz_${name}`, account))).toEqual([
    1, 1, 5, 0, 1, 2, 1, 2, 0,
  ]);
  // Four of the subscriptions are imports from the system account.
  const details = "client_connections leafnode_connections subscriptions is_system expired complete jetstream_enabled limit_conn";
  expect(details.split(" ").map(name => one(`accountz_${name}`, ',account_id="$G",account_name="$G"'))).toEqual([1, 0, 5, 0, 0, 1, 0, 0]);
  expect(one("accountz_is_system", ',account_id="$SYS",account_name="$SYS"')).toBe(1);
  expect(one("healthz_status", "")).toBe(0);
  expect(one("healthz_js_server_only_status_value", ',value="ok"')).toBe(1);
  expect(one("leafz_conn_nodes_total", "")).toBe(0);
  expect(one("routez_num_routes", "")).toBe(0);
  connection.close();
});

test("metrics of single connections exist only on request, for at most 1,024 connections", async () => {
  await using server = await startOurs();
  const pipes = Array.from({ length: 1_030 }, () => server.connect());
  const lines = (text: string) => text.split("\n").filter(line => line.startsWith("gnatsd_connz_in_msgs{")).length;
  expect(lines(await scrape(server))).toBe(1);
  expect(lines(await scrape(server, "?connz_detailed=1"))).toBe(1 + 1_024);
  expect(await get(server, "/metrics?connz_detailed=x")).toMatchObject({ status: 400 });
  expect(pipes.length).toBe(1_030);
});

test("the Accept header selects plain text or OpenMetrics, and /metrics does not count as a request of an endpoint", async () => {
  await using server = await startOurs();
  const read = async (accept: string) => {
    const response = await fetch(`http://127.0.0.1:${server.monitorPort}/metrics`, { headers: { accept } });
    return { type: response.headers.get("content-type"), text: await response.text() };
  };
  const plain = await read("*/*");
  expect(plain.type).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(plain.text).not.toContain("# EOF");
  const open = await read("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5");
  expect(open.type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(open.text).toEndWith("\n# EOF\n");
  expect(open.text).toContain("\n# UNIT gnatsd_varz_in_bytes bytes\n");
  expect(namesOf(open.text)).toEqual(namesOf(plain.text));
  expect(new Set(namesOf(open.text)).size).toBe(namesOf(open.text).length); // all samples of a name stand together
  expect((await json(server, "/varz")).http_req_stats).toEqual({ "/varz": 1 });
});

/** The metrics that the boards of prometheus-nats-exporter ask for (walkthrough/), without the first part of their names. */
const BOARD_METRICS = {
  core: "connections cpu in_bytes in_msgs mem out_bytes out_msgs slow_consumers subscriptions".split(" ").map(name => `varz_${name}`),
  jetstream: ["server_total_streams", "server_total_consumers"],
};

test("the boards of the exporter find their metrics, those of the Helm chart under its prefix", async () => {
  await using server = await startOurs();
  const plain = namesOf(await scrape(server));
  expect(plain).toEqual(
    expect.arrayContaining([
      ...BOARD_METRICS.core.map(name => `gnatsd_${name}`),
      ...BOARD_METRICS.jetstream.map(name => `jetstream_${name}`),
    ]),
  );
  const prefixed = namesOf(await scrape(server, "?prefix=nats"));
  expect(prefixed).toEqual(expect.arrayContaining([...BOARD_METRICS.core, ...BOARD_METRICS.jetstream].map(name => `nats_${name}`)));
  expect(prefixed.filter(name => !name.startsWith("nats_"))).toEqual([]);
  expect(prefixed.length).toBe(plain.length);
  expect(await get(server, "/metrics?prefix=a-b")).toMatchObject({ status: 400, body: "invalid prefix: a-b" });
  await using chosen = await startOurs({ metricsPrefix: "nats" });
  expect(namesOf(await scrape(chosen))).toEqual(prefixed);
  expect(namesOf(await scrape(chosen, "?prefix=gnatsd"))).toContain("gnatsd_varz_mem");
});
