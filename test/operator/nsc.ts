/** Runs `nsc`, which makes operators, accounts and users. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../reference/programs.ts";

/** `nsc` with its own directory for configuration, data and keys. */
export class Nsc implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), "bunats-nsc-"));

  /** @returns everything it printed. @throws Error with the same when it fails */
  async run(...words: string[]): Promise<string> {
    const { path, missing } = findProgram("nsc");
    if (path === null) throw new Error(missing);
    const folders = ["config", "data", "keystore"].flatMap(name => [`--${name}-dir`, join(this.home, name)]);
    const child = Bun.spawn([path, ...folders, ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      cwd: this.home,
      env: { PATH: process.env.PATH ?? "", HOME: this.home, NSC_NO_GIT_IGNORE: "true" },
    });
    const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    if ((await child.exited) !== 0) throw new Error(`nsc ${words.join(" ")}:\n${output}${errors}`);
    return output + errors;
  }

  async file(name: string, ...words: string[]): Promise<string> {
    const path = join(this.home, name);
    await this.run(...words, "--config-file", path);
    return readFileSync(path, "utf8");
  }

  credentials(account: string, user: string): string {
    return join(this.home, "keystore", "creds", "op", account, `${user}.creds`);
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
