/** What nats-server says about configuration files: `-t`, one process per file, some 10 ms each. */
import { findReference } from "../reference/reference-server.ts";

export interface Verdict {
  /** `sha256:` and hex; null when it is not valid. */
  readonly digest: string | null;
  /** What it said, without `nats-server: ` before it. */
  readonly text: string;
}

/** @throws when nats-server is not installed */
function program(): string {
  const { path, missing } = findReference();
  if (path === null) throw new Error(missing);
  return path;
}

export function verdictOn(file: string, environment: Readonly<Record<string, string>> = {}): Verdict {
  const { stderr } = Bun.spawnSync([program(), "-t", "-c", file], { env: { PATH: "/usr/bin:/bin", ...environment }, timeout: 10_000 });
  const text = stderr.toString().replace(/^nats-server: /, "");
  return { digest: /^configuration file .* is valid \((sha256:[0-9a-f]{64})\)\n$/s.exec(text)?.[1] ?? null, text };
}

/** @throws with what it said, when the file is not valid there */
export function digestSaid(file: string, environment: Readonly<Record<string, string>> = {}): string {
  const { digest, text } = verdictOn(file, environment);
  if (digest === null) throw new Error(text);
  return digest;
}

/** Why the reference does not start with a file that is valid by itself; empty when it starts, which it may not do for longer than this. */
export function startRefusal(file: string): string {
  const { stderr } = Bun.spawnSync([program(), "-a", "127.0.0.1", "-p", "-1", "-c", file], {
    env: { PATH: "/usr/bin:/bin" },
    timeout: 10_000,
  });
  return /^nats-server: (.*)$/m.exec(stderr.toString())?.[1] ?? "";
}
