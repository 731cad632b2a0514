import { expect, test } from "bun:test";
import { AttackClient } from "./attack-client.ts";

/** Greets with these chunks, each written on its own. */
function greeting(chunks: readonly string[]) {
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(socket) {
        for (const chunk of chunks) {
          socket.write(chunk);
          await new Promise(resolve => setImmediate(resolve));
        }
        socket.end();
      },
      data() {},
    },
  });
}

test("every PONG is counted once, wherever the network cuts the bytes", async () => {
  const conversations = [
    ["PONG\r\n"],
    ["MSG a 1 1\r\nx\r\nPO", "NG\r\n"],
    ["P", "O", "N", "G", "\r", "\n", "PONG\r\n"],
    ["xPONG\r", "\nPONG\r\nPONG\r\nPO", "NG\r\n"],
    ["PONG\r\n", "PONG", "PONG\r\n"],
  ];
  for (const chunks of conversations) {
    const server = greeting(chunks);
    const client = await AttackClient.open(server.port);
    await client.closed();
    expect(client.pongs, JSON.stringify(chunks)).toBe(chunks.join("").split("PONG\r\n").length - 1);
    server.stop(true);
  }
});

test("waiting for an answer fails when the server closes the connection", async () => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: socket => void socket.end() } });
  const client = await AttackClient.open(server.port);
  expect(client.confirmed()).rejects.toThrow("the server closed the connection");
  await client.closed();
  server.stop(true);
});

test("writes more than one block to a server that takes everything and says nothing", async () => {
  const size = 20 << 20;
  let received = 0;
  const all = Promise.withResolvers<void>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(_socket, chunk) {
        received += chunk.length;
        if (received === size) all.resolve();
      },
    },
  });
  const client = await AttackClient.open(server.port);
  await client.write(new Uint8Array(size));
  await all.promise;
  client.close();
  server.stop(true);
  expect(received).toBe(size);
});
