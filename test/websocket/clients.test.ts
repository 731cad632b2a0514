/**
 * The official client over WebSocket: under Bun, under Node, and in a page of headless Chromium.
 *
 *   conversation.ts ─┬─ imported ─────────▶ Bun
 *                    ├─ built, by IPC ────▶ Node, whose global WebSocket needs a flag before version 22
 *                    └─ built into a page ▶ Chromium ─ POST /result ─▶ this test
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, needs } from "../reference/programs.ts";
import { type ConversationOptions, converse, EXPECTED } from "./conversation.ts";
import { startTestedServer, type TestedServer, type TestedServerOptions } from "./tested-server.ts";

const TIMEOUT_MS = 120_000;
const root = join(import.meta.dir, "../..");
const NODE = findProgram("node").path;
const CHROMIUM = findProgram("chromium").path;

const KINDS: [title: string, name: "codec" | "Bun.serve", options: TestedServerOptions][] = [
  ["Bun.serve", "Bun.serve", {}],
  ["codec", "codec", {}],
  ["codec with compression", "codec", { websocket: { compression: true } }],
];

/** A test for each way to serve WebSockets. */
const each = {
  test(title: string, run: (tested: TestedServer) => Promise<void>): void {
    for (const [kind, owner, options] of KINDS) {
      test(
        `${kind}: ${title}`,
        async () => {
          const tested = await startTestedServer(owner, options);
          try {
            await run(tested);
          } finally {
            await tested.stop();
          }
        },
        TIMEOUT_MS,
      );
    }
  },
};

const urlOf = (tested: TestedServer) => `ws://127.0.0.1:${tested.port}`;

each.test("nats-core under Bun publishes, subscribes and requests", async tested => {
  expect(await converse({ url: urlOf(tested) })).toEqual(EXPECTED);
});

needs(["node"], () =>
  each.test("nats-core under Node publishes, subscribes and requests", async tested => {
    expect(await converseInNode({ url: urlOf(tested) })).toEqual(EXPECTED);
  }),
);

needs(["chromium"], () => {
  each.test("nats-core in a browser publishes, subscribes and requests", async tested => {
    await using page = await Page.open();
    expect(await page.converse({ url: urlOf(tested) })).toEqual(EXPECTED);
  });

  for (const name of ["codec", "Bun.serve"] as const) {
    test(
      `${name}: a page is accepted by its origin and its cookies; another origin is refused`,
      async () => {
        await using page = await Page.open("who=page; word=secret");
        const websocket = {
          authorization: { user: "page", password: "secret" },
          userCookie: "who",
          passwordCookie: "word",
        };
        const accepting = await startTestedServer(name, { websocket: { ...websocket, allowedOrigins: [page.origin] } });
        const refusing = await startTestedServer(name, { websocket: { ...websocket, allowedOrigins: ["http://elsewhere.example"] } });
        expect(await page.converse({ url: urlOf(accepting) })).toEqual(EXPECTED);
        expect(await page.converse({ url: urlOf(refusing) })).toHaveProperty("failed");
        expect(refusing.lines().some(line => line.endsWith("websocket handshake error: origin not allowed: not in the allowed list"))).toBe(
          true,
        );
        await Promise.all([accepting.stop(), refusing.stop()]);
      },
      TIMEOUT_MS,
    );
  }
});

async function converseInNode(options: ConversationOptions): Promise<unknown> {
  if (NODE === null) throw new Error("node was not found");
  const call = `import { converse } from "./conversation.ts"; console.log(JSON.stringify(await converse(${JSON.stringify(options)})));`;
  const script = await build(call, "node");
  const child = Bun.spawn([NODE, "--experimental-websocket", "--no-warnings", "--input-type=module", "--eval", script], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`node exited with ${code}: ${errors}`);
  return JSON.parse(output);
}

/** Builds a script as if it were a file of this directory. */
async function build(script: string, target: "node" | "browser"): Promise<string> {
  const entry = join(import.meta.dir, "entry.ts");
  // For Node the client itself is loaded as it was published.
  const packages = target === "node" ? "external" : "bundle";
  const { outputs } = await Bun.build({ entrypoints: [entry], files: { [entry]: script }, target, packages, format: "esm" });
  return outputs[0]!.text();
}

const PAGE_SCRIPT = `
import { converse } from "./conversation.ts";
for (;;) {
  const options = await (await fetch("/next")).json();
  if (options === null) break;
  const result = await converse(options).catch(error => ({ failed: String(error) }));
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}`;

/** A page in its own browser, which runs the conversations that a test gives it. */
class Page implements AsyncDisposable {
  private readonly directory = mkdtempSync(join(tmpdir(), "bunats-page-"));
  /** Options of the next conversation; null: the page ends. */
  private next = Promise.withResolvers<ConversationOptions | null>();
  private result = Promise.withResolvers<unknown>();
  private readonly server: Bun.Server<undefined>;
  private readonly browser: Bun.Subprocess;

  private constructor(script: string, cookies: string) {
    this.server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: request => this.answer(request, script, cookies),
    });
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    this.browser = Bun.spawn([CHROMIUM!, ...flags, `--user-data-dir=${this.directory}`, this.server.url.href], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      onExit: (_process, code) => this.result.reject(new Error(`the browser exited with ${code}`)),
    });
  }

  static async open(cookies = ""): Promise<Page> {
    if (CHROMIUM === null) throw new Error("chromium was not found");
    return new Page(await build(PAGE_SCRIPT, "browser"), cookies);
  }

  get origin(): string {
    return this.server.url.origin;
  }

  async converse(options: ConversationOptions): Promise<unknown> {
    this.result = Promise.withResolvers();
    this.next.resolve(options);
    return this.result.promise;
  }

  private async answer(request: Request, script: string, cookies: string): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/next": {
        const options = await this.next.promise;
        this.next = Promise.withResolvers();
        return Response.json(options);
      }
      case "/result":
        this.result.resolve(await request.json());
        return new Response();
      case "/script.js":
        return new Response(script, { headers: { "Content-Type": "text/javascript" } });
      default: {
        const headers = new Headers({ "Content-Type": "text/html" });
        for (const cookie of cookies === "" ? [] : cookies.split("; ")) headers.append("Set-Cookie", `${cookie}; Path=/`);
        return new Response('<!doctype html><script type="module" src="/script.js"></script>', { headers });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.result.promise.catch(() => {}); // the browser is stopped on purpose
    this.next.resolve(null);
    this.browser.kill();
    await this.browser.exited;
    await this.server.stop(true);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
