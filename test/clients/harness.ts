/**
 * One file of conversations, two runtimes: the same client library in this process under Bun, and in a child process under Node, so that a
 * fault of a client's runtime is not mistaken for one of the server.
 *
 *   nats-js.test.ts ─ imports test() of ─┬─ harness.ts        Bun: registers each conversation twice, runs it once here
 *                                        └─ node-harness.ts   Node: keeps the conversations, runs one on request
 * The file is built for Node unchanged, with node-harness.ts in place of this file. The servers always run in this process.
 * Without Node the tests under Node are skipped, with the reason in their names; with CI=true they fail.
 */
import { test as bunTest } from "bun:test";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { NatsServer, type StartOptions } from "../../src/index.ts";
import { type Conversation, converse } from "./conversation.ts";

const NODE = Bun.which("node");
const TIMEOUT_MS = 120_000;
const root = join(import.meta.dir, "../..");

/** Registers a conversation between clients and a server with these options. */
export function test(title: string, options: StartOptions, conversation: Conversation): void {
  bunTest(`Bun: ${title}`, () => withServer(options, server => converse(conversation, server, connect)), TIMEOUT_MS);
  const skipped = NODE === null && process.env.CI !== "true";
  bunTest.skipIf(skipped)(
    skipped ? `Node: ${title} (node was not found)` : `Node: ${title}`,
    () => withServer(options, server => nodeChild().run(title, server)),
    TIMEOUT_MS,
  );
}

class TestServer {
  private constructor(
    private server: NatsServer,
    private readonly options: StartOptions,
  ) {}

  static async start(given: StartOptions): Promise<TestServer> {
    const options = { host: "127.0.0.1", port: 0, ...given };
    return new TestServer(await NatsServer.start(options), options);
  }

  get url(): string {
    return this.server.clientUrl;
  }

  async restart(): Promise<void> {
    const { port } = this.server;
    await this.server.stop();
    this.server = await NatsServer.start({ ...this.options, port });
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

async function withServer(options: StartOptions, run: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await TestServer.start(options);
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

/** Message of the child: a conversation has ended, or needs a restart of the server. */
export type ChildMessage = { readonly ended: string; readonly error: string | null } | { readonly restart: true };
/** Message to the child. */
export type ParentMessage = { readonly run: string; readonly url: string } | { readonly restarted: true };

let child: NodeChild | null = null;

function nodeChild(): NodeChild {
  if (NODE === null) throw new Error("node was not found");
  child ??= new NodeChild(NODE);
  return child;
}

/** A Node process that runs conversations one by one. It ends with this process, because the channel closes then. */
class NodeChild {
  private readonly process: Promise<Bun.Subprocess>;
  private server: TestServer | null = null;
  private ended: PromiseWithResolvers<void> | null = null;

  constructor(node: string) {
    this.process = this.start(node);
  }

  async run(title: string, server: TestServer): Promise<void> {
    const process = await this.process;
    this.server = server;
    this.ended = Promise.withResolvers<void>();
    this.send(process, { run: title, url: server.url });
    await this.ended.promise;
  }

  private send(process: Bun.Subprocess, message: ParentMessage): void {
    process.send(message);
  }

  private async start(node: string): Promise<Bun.Subprocess> {
    const script = await buildForNode();
    const process = Bun.spawn([node, "--input-type=module", "--eval", script], {
      cwd: root, // where the packages are found
      stdout: "inherit",
      stderr: "inherit",
      serialization: "json",
      ipc: (message: ChildMessage) => this.onMessage(message, process),
      onExit: (_process, code, signal) => this.ended?.reject(new Error(`node exited with ${code ?? signal}`)),
    });
    process.unref();
    return process;
  }

  private onMessage(message: ChildMessage, process: Bun.Subprocess): void {
    if ("restart" in message) {
      this.server!.restart().then(
        () => this.send(process, { restarted: true }),
        error => this.ended!.reject(error),
      );
    } else if (message.error === null) this.ended!.resolve();
    else this.ended!.reject(new Error(message.error));
  }
}

async function buildForNode(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "nats-js.test.ts")],
    target: "node",
    packages: "external", // the client itself is loaded as it was published
    plugins: [
      {
        name: "harness of Node",
        setup: build => {
          build.onResolve({ filter: /\/harness\.ts$/ }, () => ({ path: join(import.meta.dir, "node-harness.ts") }));
        },
      },
    ],
  });
  return outputs[0]!.text();
}
