/** The text of a configuration file, with its secrets and comments, does not stay in memory when the options have been read. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";

const directory = mkdtempSync(join(tmpdir(), "bunats-memory-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The strings in memory that contain a text. */
function stringsWith(text: string): number {
  Bun.gc(true);
  const { strings } = JSON.parse(Bun.generateHeapSnapshot("v8") as unknown as string) as { strings: string[] };
  return strings.filter(one => one.includes(text)).length;
}

test("options do not keep the text that they were read from", () => {
  const file = join(directory, "server.conf");
  const mark = ["a comment", "that stays"].join(" "); // not a string of this program
  writeFileSync(
    file,
    `# ${mark}\nserver_name: a-long-name-of-a-server\nauthorization { token: "a-long-token-of-the-server-0123456789" }\n# ${mark}\n`,
  );
  const { options } = loadConfigFile(file);
  const held = stringsWith(mark);
  expect(options.authorization?.token).toBe("a-long-token-of-the-server-0123456789");
  expect(held).toBeLessThanOrEqual(1); // the variable of this test
});
