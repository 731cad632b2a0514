/** Runs a server in a process with few descriptors: prints its port, and stops when the parent closes standard input. */
import { NatsServer } from "../../src/index.ts";

const server = await NatsServer.start({ host: "127.0.0.1", port: 0 });
console.log(server.port);
for await (const _ of Bun.stdin.stream());
await server.stop();
