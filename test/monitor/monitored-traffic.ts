/**
 * The traffic that a server has before a test reads its monitoring: clients over TLS (before and after INFO) and WebSocket, with names,
 * versions, subscriptions and messages; and closed clients, each with another close reason.
 */

import { SecurePeer } from "../tls/secure-peer.ts";
import { TestAuthority } from "../tls/secure-server.ts";
import { BINARY, frame, RawClient } from "../websocket/raw-client.ts";
import { json } from "./monitored-pair.ts";
import type { MonitoredBoth } from "./same-config.ts";

const CREDENTIALS = { user: "derek", pass: "s3cret" };

export class MonitoredTraffic implements Disposable {
  readonly authority = new TestAuthority();
  private readonly clientCertificate = this.authority.root.issue({ subject: "O=bunats,OU=<clients>,CN=worker+UID=7", usage: "client" });

  /** Configuration of both servers. */
  get config(): string {
    const { caFile, serverFiles } = this.authority;
    return `
server_name: shape
server_tags: ["az:one", "Az:Two"]
server_metadata: { zone: "<b>", area: "a&b" }
max_closed_clients: 8
write_timeout: retry
max_payload: 2000
cluster { name: alone }
authorization { user: derek, password: s3cret, timeout: 63 }
tls {
  cert_file: "${serverFiles.certFile}"
  key_file: "${serverFiles.keyFile}"
  ca_file: "${caFile}"
  verify: true
  timeout: 61.5
  handshake_first: "500ms"
}
websocket {
  listen: "127.0.0.1:-1"
  no_tls: true
  compression: true
  handshake_timeout: "63s"
  allowed_origins: ["http://a.example"]
}
feature_flags { js_snapshot_sources: true }`;
  }

  /** Connects all clients. @returns closes those that are still open */
  async start(server: MonitoredBoth): Promise<{ close(): void }> {
    await this.closedClients(server);
    const worker = await this.secure(
      server,
      { name: "worker", lang: "go", version: "1.2.3" },
      "SUB a.* 1\r\nSUB b q 2\r\nUNSUB 1 10\r\nSUB c 3\r\n",
    );
    const first = await this.secure(server, { name: "first", jwt: "no.jwt.at-all" }, "PUB a.x 3\r\nabc\r\nPUB b 4\r\nabcd\r\n", true);
    const browser = await this.browser(server, "PUB a.y 1\r\nz\r\nSUB d 9\r\n");
    const pending = async () => (await json(server, "/connz")).connections.some((one: { pending_bytes: number }) => one.pending_bytes > 0);
    while (await pending());
    return {
      close() {
        worker.terminate();
        first.terminate();
        browser.terminate();
      },
    };
  }

  /** Clients that are closed: by the client, by a wrong password, an unknown command, a too large payload, a too long subject. */
  private async closedClients(server: MonitoredBoth): Promise<void> {
    const ends = async (peer: SecurePeer, name: string) => {
      await peer.gone();
      await listedAsClosed(server, name);
    };
    const left = await this.secure(server, { name: "left", lang: "c", version: "9" }, "SUB old q 9\r\nSUB older 10\r\n");
    left.terminate();
    await listedAsClosed(server, "left");
    const refused = await this.secure(server, { name: "refused", pass: "wrong" }, null);
    await ends(refused, "refused");
    for (const [name, command] of [
      ["unknown", "WHAT\r\n"],
      ["large", "PUB a 3000\r\n"],
      ["long", `SUB ${"x".repeat(5_000)} 1\r\n`],
    ]) {
      const peer = await this.secure(server, { name });
      await peer.write(command);
      await ends(peer, name);
    }
  }

  /** Connects over TLS. @param commands null: returns without waiting for a PONG */
  private async secure(server: MonitoredBoth, connect: object, commands: string | null = "", first = false): Promise<SecurePeer> {
    const peer = await SecurePeer.open(server.port);
    if (!first) await peer.info();
    await peer.secure({ ca: this.authority.root.pem, cert: this.clientCertificate.pem, key: this.clientCertificate.keyPem });
    if (first) await peer.info();
    await peer.write(`CONNECT ${JSON.stringify({ ...OPTIONS, ...CREDENTIALS, ...connect })}\r\n${commands ?? ""}`);
    if (commands === null) return peer;
    await peer.write("PING\r\n");
    await peer.take("PONG\r\n");
    return peer;
  }

  private async browser(server: MonitoredBoth, commands: string): Promise<RawClient> {
    const client = await RawClient.upgrade(server.websocketPort, { headers: { Origin: "http://a.example" } });
    await client.nextMessage();
    const connect = { ...OPTIONS, ...CREDENTIALS, name: "browser", lang: "nats.ws", version: "4" };
    await client.write(frame(BINARY, `CONNECT ${JSON.stringify(connect)}\r\n${commands}PING\r\n`));
    await client.textUntil("PONG\r\n");
    return client;
  }

  [Symbol.dispose](): void {
    this.authority[Symbol.dispose]();
  }
}

const OPTIONS = { verbose: false, pedantic: false, protocol: 0, headers: true };

async function listedAsClosed(server: MonitoredBoth, name: string): Promise<void> {
  while (!(await json(server, "/connz?state=closed")).connections.some((one: { name: string }) => one.name === name));
}
