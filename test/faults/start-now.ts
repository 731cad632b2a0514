import type { Server } from "../../src/server/process/server.ts";

/** Starts a server without JetStream, whose start is complete, or has failed, when this returns. @throws the error of the start */
export function startNow(server: Server): void {
  const started = server.start();
  started.catch(() => {});
  if (Bun.peek.status(started) === "rejected") throw Bun.peek(started);
}
