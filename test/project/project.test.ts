/** Promises of the project that a machine can check. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { readmeNow, readmeWithResults } from "../../scripts/readme-results.ts";
import { OWN_VERSION } from "../../src/wire/protocol/version.ts";

const root = join(import.meta.dir, "../..");
const text = (path: string) => readFileSync(join(root, path), "utf8");

test("every dependency is pinned to one version, Bun too", () => {
  const versions = Object.entries({ ...packageFile.dependencies, ...packageFile.devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  const bun = packageFile.packageManager.replace("bun@", "");
  expect(packageFile.devDependencies["bun-types"]).toBe(bun);
  expect(packageFile.engines.bun).toBe(`>=${bun}`);
});

test("the server has the version of its package", () => {
  expect(OWN_VERSION).toBe(packageFile.version);
});

test("as a dependency it is one program, bunats; `make install` adds the name nats-server", () => {
  expect(packageFile.bin).toEqual({ bunats: "src/main.ts" });
  expect(text("Makefile")).toContain('ln -sf bunats "$(BIN)/nats-server"');
});

test("every Makefile target that only calls a script has one in package.json", () => {
  const makefile = text("Makefile");
  const forwarded = ["test", "lint", "format", "check", "bench", "compare", "parity", "build"];
  expect(forwarded.filter(name => !makefile.includes(name) || !(name in packageFile.scripts))).toEqual([]);
});

test("links of every page have a target", () => {
  const broken: string[] = [];
  const pages = ["*.md", "conf/*.md", "docs/**/*.md"].flatMap(pattern => [...new Bun.Glob(pattern).scanSync(root)]);
  expect(pages.length).toBeGreaterThan(6);
  for (const page of pages) {
    for (const [, target] of text(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (!target!.includes("://") && !existsSync(join(root, dirname(page), target!))) broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("the README holds the measured table, if there is one", () => {
  const { is, shouldBe } = readmeNow();
  expect(is).toBe(shouldBe);
});

test("the measured table replaces the text between the marks", () => {
  const readme = text("README.md");
  const results = "# Title\n\nWritten by us.\nA machine.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nHow it is measured:\n";
  const filled = readmeWithResults(readme, results);
  expect(filled).toContain("by scripts/readme-results.ts -->\n\nA machine.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n<!-- end");
  expect(readmeWithResults(filled, results)).toBe(filled);
  expect(() => readmeWithResults("nothing", results)).toThrow("README.md has no section");
});
