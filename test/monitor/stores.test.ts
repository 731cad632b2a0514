/** /healthz about store directories with accounts and streams that the server does not know, compared with nats-server. */
import { expect } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { live } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { requestNeutral, text } from "./comparison.ts";
import { type MonitoredBoth, startOursWith } from "./same-config.ts";

/** Below `jetstream/`; a name that ends with a slash is a directory. */
type Files = readonly string[];

const STORES: Readonly<Record<string, Files>> = {
  "an empty directory": [],
  "an unknown account": ["GONE/streams/OLD/msgs/"],
  "an unknown account without streams": ["GONE/"],
  "an unknown account with an empty directory": ["GONE/streams/"],
  "an account without JetStream that has a stream": ["C/streams/OLD/msgs/"],
  "a stream without a configuration": ["A/streams/EMPTY/msgs/"],
  "a file among the accounts": ["notes.txt"],
  "a file among the streams": ["A/streams/notes.txt"],
  "backups that are restored": [".snap-staging/one/"],
  "several faults": ["A/streams/EMPTY/msgs/", "A/streams/OTHER/msgs/", "GONE/streams/OLD/msgs/", "C/streams/OLD/msgs/", "notes.txt"],
};

const QUERIES = [
  "",
  "details=1",
  "js-enabled-only=1",
  "js-server-only=1&details=1",
  "js-meta-only=1",
  ...["A", "B", "C", "GONE", "notes.txt", ".snap-staging"].flatMap(account => [`account=${account}`, `account=${account}&details=1`]),
  ...["EMPTY", "OTHER", "OLD", "NONE"].flatMap(stream => [`account=A&stream=${stream}`, `account=A&stream=${stream}&details=1`]),
  "account=C&stream=OLD",
  "account=GONE&stream=OLD",
  "account=GONE&stream=OLD&details=1",
  "account=A&stream=EMPTY&consumer=C",
  "account=A&stream=EMPTY&consumer=C&details=1",
] as const;

async function answers(files: Files, start: (config: string) => Promise<MonitoredBoth>): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-health-"));
  for (const name of files) {
    const path = join(directory, "jetstream", name);
    if (name.endsWith("/")) mkdirSync(path, { recursive: true });
    else {
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, "");
    }
  }
  const server = await start(`server_name: one
jetstream { store_dir: "${directory}", max_mem: 1G, max_file: 1G }
accounts {
  A { jetstream: enabled, users: [{ user: a, password: p }] }
  B { jetstream: enabled, users: [{ user: b, password: p }] }
  C { users: [{ user: c, password: p }] }
  SYS { users: [{ user: s, password: p }] }
}
system_account: SYS`);
  try {
    const found: string[] = [];
    for (const query of QUERIES) found.push(`${query} ${text(await requestNeutral(server, `/healthz?${query}`))}`);
    return found;
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const [title, files] of Object.entries(STORES)) {
  live.test(`/healthz of a store with ${title} is that of nats-server`, async () => {
    const [ours, theirs] = await Promise.all([answers(files, startOursWith), answers(files, config => ReferenceServer.start(config))]);
    expect(ours).toEqual(theirs);
  });
}
