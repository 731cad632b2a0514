/**
 * nats.go's package jetstream, unchanged: its calls for streams, publishing and buckets (go/main.go) return with our server what they return
 * with nats-server. Needs Go, and nats.go in Go's module cache: `make reference` downloads it.
 */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { TemporaryDirectory } from "../../cli/program.ts";
import { findProgram } from "../../reference/programs.ts";
import { askBoth, Recording } from "../../reference/recording.ts";
import { referenceIsRequired } from "../../reference/reference-server.ts";
import { type ServerKind, TestedServer } from "../sequences/tested-server.ts";

const TIMEOUT_MS = 300_000;
const SOURCE = join(import.meta.dir, "go");
/** No module is downloaded while tests run. */
const ENVIRONMENT = { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" };

const it = new Recording(import.meta.path);
const directory = new TemporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

/** Compiles the program. @returns why it cannot be compiled; empty when it was */
function build(): string {
  const { path, missing } = findProgram("go");
  if (path === null) return missing;
  const { exitCode, stderr } = Bun.spawnSync([path, "build", "-o", directory.join("client"), "."], { cwd: SOURCE, env: ENVIRONMENT });
  return exitCode === 0 ? "" : `go build: ${stderr.toString().trim()}`;
}

async function linesOf(kind: ServerKind): Promise<string[]> {
  await using server = await TestedServer.start(kind, ["enabled"]);
  const child = Bun.spawn([directory.join("client"), String(server.port)], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, errors, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (status !== 0) throw new Error(`the client exited with ${status}: ${errors}`);
  return JSON.parse(output) as string[];
}

const missing = build();

if (missing !== "" && !referenceIsRequired()) test.skip(`tests with nats.go (${missing})`, () => {});
else
  it.compared(
    "nats.go: streams, publishing and buckets",
    async () => {
      expect(missing).toBe("");
      const [ours, theirs] = await askBoth(
        () => linesOf("ours"),
        () => linesOf("nats-server"),
      );
      expect(it.comparable(ours)).toEqual(it.comparable(theirs));
    },
    TIMEOUT_MS,
  );
