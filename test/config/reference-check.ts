/** What nats-server says about configuration files: `-t`, one process per file, some 10 ms each. */

export interface Verdict {
  /** `sha256:` and hex; null when it is not valid. */
  readonly digest: string | null;
  /** What it said, without `nats-server: ` before it. */
  readonly text: string;
}

export function verdictOn(program: string, file: string, environment: Readonly<Record<string, string>> = {}): Verdict {
  const { stderr } = Bun.spawnSync([program, "-t", "-c", file], { env: { PATH: "/usr/bin:/bin", ...environment }, timeout: 10_000 });
  const text = stderr.toString().replace(/^nats-server: /, "");
  return { digest: /^configuration file .* is valid \((sha256:[0-9a-f]{64})\)\n$/s.exec(text)?.[1] ?? null, text };
}

/** @throws with what it said, when the file is not valid there */
export function digestSaid(program: string, file: string, environment: Readonly<Record<string, string>> = {}): string {
  const { digest, text } = verdictOn(program, file, environment);
  if (digest === null) throw new Error(text);
  return digest;
}
