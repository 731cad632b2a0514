/**
 * Runs a server in a process with few descriptors: prints its ports for clients, monitoring and WebSocket, then its warnings, and stops when
 * the parent closes standard input. The argument is true for a WebSocket port with compression, which has another implementation.
 */
import { SILENT } from "../../src/base/log/silent-logger.ts";
import { NatsServer } from "../../src/index.ts";

const compression = process.argv[2] === "true";
const server = await NatsServer.start({
  host: "127.0.0.1",
  port: 0,
  httpPort: 0,
  websocket: { host: "127.0.0.1", port: 0, noTls: true, compression },
  log: { ...SILENT, warn: text => console.log(text), warnRateLimited: text => console.log(text) },
});
console.log(`ports ${server.port} ${server.monitorPort} ${server.websocketPort}`);
for await (const _ of Bun.stdin.stream());
await server.stop();
