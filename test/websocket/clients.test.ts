/**
 * The official client over WebSocket, where it runs: under Bun, under Node, and in a page of headless Chromium.
 *
 *   conversation.ts ─┬─ imported ─────────▶ Bun
 *                    ├─ built, by IPC ────▶ Node, whose global WebSocket wants a flag before version 22
 *                    └─ built into a page ▶ Chromium ─ POST /heard ─▶ this test
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, needs } from "../reference/programs.ts";
import { type ConversationOptions, converse, HEARD } from "./conversation.ts";
import { type Subject, type SubjectOptions, startSubject } from "./subject.ts";

const TIMEOUT_MS = 120_000;
const root = join(import.meta.dir, "../..");
const NODE = findProgram("node").path;
const CHROMIUM = findProgram("chromium").path;

const KINDS: [title: string, name: "codec" | "Bun.serve", options: SubjectOptions][] = [
  ["Bun.serve", "Bun.serve", {}],
  ["codec", "codec", {}],
  ["codec with compression", "codec", { websocket: { compression: true } }],
];

/** A test for each way to serve WebSockets. */
const each = {
  test(title: string, run: (subject: Subject) => Promise<void>): void {
    for (const [kind, owner, options] of KINDS) {
      test(
        `${kind}: ${title}`,
        async () => {
          const subject = await startSubject(owner, options);
          try {
            await run(subject);
          } finally {
            await subject.stop();
          }
        },
        TIMEOUT_MS,
      );
    }
  },
};

const urlOf = (subject: Subject) => `ws://127.0.0.1:${subject.port}`;

each.test("nats-core under Bun publishes, subscribes and requests", async subject => {
  expect(await converse({ url: urlOf(subject) })).toEqual(HEARD);
});

needs(["node"], () =>
  each.test("nats-core under Node publishes, subscribes and requests", async subject => {
    expect(await converseInNode({ url: urlOf(subject) })).toEqual(HEARD);
  }),
);

needs(["chromium"], () => {
  each.test("nats-core in a browser publishes, subscribes and requests", async subject => {
    await using page = await Page.open();
    expect(await page.converse({ url: urlOf(subject) })).toEqual(HEARD);
  });

  for (const name of ["codec", "Bun.serve"] as const) {
    test(
      `${name}: a page is let in by its origin and its cookies, another page is not`,
      async () => {
        await using page = await Page.open("who=page; word=secret");
        const websocket = {
          authorization: { user: "page", password: "secret" },
          userCookie: "who",
          passwordCookie: "word",
        };
        const friend = await startSubject(name, { websocket: { ...websocket, allowedOrigins: [page.origin] } });
        const stranger = await startSubject(name, { websocket: { ...websocket, allowedOrigins: ["http://elsewhere.example"] } });
        expect(await page.converse({ url: urlOf(friend) })).toEqual(HEARD);
        expect(await page.converse({ url: urlOf(stranger) })).toHaveProperty("failed");
        expect(stranger.lines().some(line => line.endsWith("websocket handshake error: origin not allowed: not in the allowed list"))).toBe(
          true,
        );
        await Promise.all([friend.stop(), stranger.stop()]);
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

/** Builds a script that stands in this directory. */
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
  const heard = await converse(options).catch(error => ({ failed: String(error) }));
  await fetch("/heard", { method: "POST", body: JSON.stringify(heard) });
}`;

/** A page in a browser of its own, which has the conversations that it is asked for. */
class Page implements AsyncDisposable {
  private readonly directory = mkdtempSync(join(tmpdir(), "bunats-page-"));
  private asked = Promise.withResolvers<ConversationOptions | null>();
  private heard = Promise.withResolvers<unknown>();
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
      onExit: (_process, code) => this.heard.reject(new Error(`the browser exited with ${code}`)),
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
    this.heard = Promise.withResolvers();
    this.asked.resolve(options);
    return this.heard.promise;
  }

  private async answer(request: Request, script: string, cookies: string): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/next": {
        const options = await this.asked.promise;
        this.asked = Promise.withResolvers();
        return Response.json(options);
      }
      case "/heard":
        this.heard.resolve(await request.json());
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
    this.heard.promise.catch(() => {}); // it ends now, and may
    this.asked.resolve(null);
    this.browser.kill();
    await this.browser.exited;
    await this.server.stop(true);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
