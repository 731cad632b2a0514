/** A server for a process with few descriptors; tells its port, and ends with its parent's end of the pipe. */
import { NatsServer } from "../../src/index.ts";

const server = await NatsServer.start({ host: "127.0.0.1", port: 0 });
console.log(server.port);
for await (const _ of Bun.stdin.stream());
await server.stop();
