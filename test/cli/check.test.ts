/** `-t` with flags and with `--test_reload`, compared with the reference: output and exit status. */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { askBoth, Recording } from "../reference/recording.ts";
import { findReference } from "../reference/reference-server.ts";
import { type Outcome, outcomeOf, PROGRAM, TemporaryDirectory } from "./program.ts";

const reference = findReference();
const it = new Recording(import.meta.path);

interface Case {
  readonly file: string;
  readonly flags?: readonly string[];
  /** The other file, for `--test_reload`. */
  readonly reload?: string;
}

const CASES: Record<string, Case> = {
  "a contradiction that a start would find": { file: "max_payload: 9MB, max_pending: 1MB" },
  "a grace period longer than lame duck mode": { file: 'lame_duck_duration: "30s", lame_duck_grace_period: "40s"' },
  "a server name with a space": { file: 'server_name: "a b"' },
  "a WebSocket without TLS": { file: "websocket { port: 8080 }" },
  "an unknown no_auth_user": { file: "no_auth_user: nobody, authorization { users: [{ user: a, password: b }] }" },
  "a contradiction between a flag and the file": { file: "port: 4222", flags: ["-n", "a b"] },
  "a flag that resolves a contradiction": { file: "server_name: 'a b'", flags: ["-n", "ab"] },
  "TLS flags without a certificate": { file: "port: 4222", flags: ["--tls"] },
  "a file that can be reloaded": { file: "port: 4222", reload: "port: 4222, debug: true, max_payload: 1000" },
  "a changed port": { file: "port: 4222", reload: "port: 4223" },
  "a changed port that a flag overrides": { file: "port: 4222", flags: ["-p", "5222"], reload: "port: 4223" },
  "a changed limit that needs a restart": { file: "port: 4222", reload: "port: 4222, max_pending: 20MB" },
  "a resolver that is added": { file: "port: 4222", reload: "port: 4222, resolver: MEMORY" },
  "an invalid file to reload": { file: "port: 4222", reload: "port: x" },
  "a contradiction in the file to reload": { file: "port: 4222", reload: "max_payload: 9MB, max_pending: 1MB" },
  "a warning in the file to reload": { file: "port: 4222", reload: "ping_interval: 5" },
  "an invalid file, and one that could be reloaded": { file: "port: x", reload: "port: 4222" },
};

async function check(program: readonly string[], { file, flags = [], reload }: Case): Promise<Outcome> {
  using directory = new TemporaryDirectory();
  const [first, second] = ["first.conf", "second.conf"].map(name => directory.join(name)) as [string, string];
  writeFileSync(first, file);
  if (reload !== undefined) writeFileSync(second, reload);
  const outcome = await outcomeOf([...program, "-t", "-c", first, ...flags, ...(reload === undefined ? [] : ["--test_reload", second])]);
  return { ...outcome, err: outcome.err.replaceAll(directory.path, "<directory>") };
}

for (const [title, given] of Object.entries(CASES)) {
  it.compared(`checked with -t: ${title}`, async () => {
    const [ours, theirs] = await askBoth(
      () => check(PROGRAM, given),
      () => check([reference.path!], given),
    );
    expect(ours).toEqual(theirs);
  });
}

it.compared("--test_reload needs -t", async () => {
  const run = (program: readonly string[]) => outcomeOf([...program, "-p", "-1", "--test_reload", "x"]);
  const [ours, theirs] = await askBoth(
    () => run(PROGRAM),
    () => run([reference.path!]),
  );
  expect(ours).toEqual(theirs);
});
