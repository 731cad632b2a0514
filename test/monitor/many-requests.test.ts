/** Many requests of monitoring at once: short answers do not wait for long ones, and clients are served in between. */
import { expect, test } from "bun:test";
import { client, get, startOurs } from "./monitored-pair.ts";

const COUNT = 50_000;
const SUBS = Array.from({ length: COUNT }, (_, index) => `SUB a.${index} ${index}\r\n`).join("");

test("a short answer and a client's PING come before the long answers that were asked for first", async () => {
  await using server = await startOurs();
  const owner = await client(server, {}, SUBS);
  const bystander = await client(server, {});
  const order: string[] = [];
  const long = Array.from({ length: 8 }, async () => {
    const { body } = await get(server, `/subsz?subs=1&limit=${COUNT}`);
    order.push("long");
    return JSON.parse(body).subscriptions_list.length as number;
  });
  const short = get(server, "/healthz").then(() => order.push("short"));
  await bystander.write(Buffer.from("PING\r\n"));
  const pong = bystander.waitFor(Buffer.from("PONG\r\n")).then(() => order.push("pong"));
  const sizes = await Promise.all(long);
  await Promise.all([short, pong]);
  expect(sizes.every(size => size === COUNT)).toBe(true);
  expect(order.slice(0, 2).sort()).toEqual(["pong", "short"]);
  owner.close();
  bystander.close();
}, 60_000);

test("requesters that connect again for each request, and many clients, are all served", async () => {
  await using server = await startOurs();
  const clients = await Promise.all(Array.from({ length: 100 }, () => client(server, {}, "SUB a 1\r\n")));
  const poller = async () => {
    for (let request = 0; request < 20; request++) {
      const response = await fetch(`http://127.0.0.1:${server.monitorPort}/connz?subs=1`, { keepalive: false });
      expect(((await response.json()) as { total: number }).total).toBe(100);
    }
  };
  await Promise.all([poller(), poller(), poller()]);
  for (const one of clients) one.close();
}, 60_000);

test("a requester that does not read its answer costs no more than one piece of it", async () => {
  await using server = await startOurs();
  const owner = await client(server, {}, SUBS);
  const sockets = await Promise.all(
    Array.from({ length: 10 }, () =>
      Bun.connect({
        hostname: "127.0.0.1",
        port: server.monitorPort!,
        socket: {
          open(socket) {
            socket.pause();
            socket.write(`GET /connz?subs=detail HTTP/1.1\r\nHost: a\r\n\r\n`);
          },
          data() {},
        },
      }),
    ),
  );
  // Ten answers wait for their readers; others are still given.
  expect(JSON.parse((await get(server, "/connz?subs=1")).body).connections[0].subscriptions_list.length).toBe(COUNT);
  for (const socket of sockets) socket.terminate();
  owner.close();
}, 60_000);
