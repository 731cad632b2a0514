/** Reports of nats-server on configuration files: `-t`, one process per file, about 10 ms each. */
import { findReference } from "../reference/reference-server.ts";

const TIMEOUT_MS = 60_000;

export interface Verdict {
  /** `sha256:` and hex; null when it is not valid. */
  readonly digest: string | null;
  /** Its output, without the prefix `nats-server: `. */
  readonly text: string;
}

/** @throws when nats-server is not installed */
function program(): string {
  const { path, missing } = findReference();
  if (path === null) throw new Error(missing);
  return path;
}

export function verdictOn(file: string, environment: Readonly<Record<string, string>> = {}): Verdict {
  const { stderr } = Bun.spawnSync([program(), "-t", "-c", file], { env: { PATH: "/usr/bin:/bin", ...environment }, timeout: TIMEOUT_MS });
  const text = stderr.toString().replace(/^nats-server: /, "");
  return { digest: /^configuration file .* is valid \((sha256:[0-9a-f]{64})\)\n$/s.exec(text)?.[1] ?? null, text };
}

/** Whether a server with one file could reload another: the output of `--test_reload`, without the prefix `nats-server: `. */
export function reloadVerdictOn(file: string, reloaded: string): string {
  const { stderr } = Bun.spawnSync([program(), "-t", "-c", file, "--test_reload", reloaded], {
    env: { PATH: "/usr/bin:/bin" },
    timeout: TIMEOUT_MS,
  });
  return stderr.toString().replaceAll(/^nats-server: /gm, "");
}

/** Contradictions that ours finds with `-t`, while nats-server finds them when it starts. */
const FOUND_AT_START: readonly string[] = [
  "TLS cert and key required for HTTPS",
  "error resolving system account: account missing",
  "OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled",
];

export function isFoundAtStart(message: string): boolean {
  return FOUND_AT_START.includes(message);
}

/** @throws with its output when the file is invalid */
export function digestOf(file: string, environment: Readonly<Record<string, string>> = {}): string {
  const { digest, text } = verdictOn(file, environment);
  if (digest === null) throw new Error(text);
  return digest;
}

/** Why the reference does not start with a valid file; empty when it starts, after the time limit. */
export function startRefusal(file: string): string {
  const { stderr } = Bun.spawnSync([program(), "-a", "127.0.0.1", "-p", "-1", "-c", file], {
    env: { PATH: "/usr/bin:/bin" },
    timeout: TIMEOUT_MS,
  });
  return /^nats-server: (.*)$/m.exec(stderr.toString())?.[1] ?? "";
}
