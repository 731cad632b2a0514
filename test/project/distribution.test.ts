/** The container image, the system service and the archives. Parts that a test cannot run are checked by their text. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import packageFile from "../../package.json" with { type: "json" };
import { TARGETS } from "../../scripts/build.ts";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";

const root = join(import.meta.dir, "../..");
const text = (path: string) => readFileSync(join(root, path), "utf8");
const bun = packageFile.packageManager.replace("bun@", "");

/** Instructions of the Dockerfile, with continued lines joined. */
const instructions = text("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n/g, " ")
  .split("\n")
  .filter(line => line !== "");
const arguments_ = (name: string) => instructions.filter(line => line.startsWith(`${name} `)).map(line => line.slice(name.length + 1));

test("the image is built by the Bun that package.json names", () => {
  expect(arguments_("FROM")[0]).toBe(`--platform=$BUILDPLATFORM oven/bun:${bun}-debian AS build`);
});

test("every file that the image is built from exists, and .dockerignore lets it through", () => {
  const allowed = text(".dockerignore")
    .split("\n")
    .filter(line => line.startsWith("!"))
    .map(line => line.slice(1));
  const sources = arguments_("COPY")
    .filter(line => !line.includes("--from"))
    .flatMap(line => line.split(/\s+/).slice(0, -1));
  expect(sources).toContain("src");
  expect(sources.filter(source => !existsSync(join(root, source)) || !allowed.includes(source))).toEqual([]);
  // The build script must not need a file that is not copied.
  expect(text("scripts/build.ts").match(/from "\.[^"]*"/g)).toBeNull();
});

test("the image has the entry point, paths and ports of nats-server's, and does not run as root", () => {
  expect(arguments_("ENTRYPOINT")).toEqual(['["/nats-server"]']);
  expect(arguments_("CMD")).toEqual(['["--config", "/etc/nats/nats-server.conf"]']);
  expect(arguments_("EXPOSE")).toEqual(["4222 8222 6222"]);
  expect(arguments_("USER")).toEqual(["65532:65532"]);
});

test("the targets of the image have archives too", () => {
  for (const target of ["linux-x64", "linux-arm64"]) expect(TARGETS as readonly string[]).toContain(target);
});

test("the image's configuration is valid", () => {
  expect(loadConfigFile(join(root, "conf/docker/nats-server.conf"), {}).options).toEqual({ port: 4222, httpPort: 8222 });
});

test("the system service allows the JavaScript compiler, and waits for lame duck mode", () => {
  const unit = text("conf/systemd/bunats.service");
  expect(unit).toContain("\nMemoryDenyWriteExecute=false\n");
  expect(unit).toContain("\nKillSignal=SIGUSR2\n");
  const seconds = Number(/\nTimeoutStopSec=(\d+)\n/.exec(unit)![1]);
  expect(seconds).toBeGreaterThan(120 + 10); // lame_duck_duration and lame_duck_grace_period, by default
  const keys = unit.split("\n").filter(line => line !== "" && !line.startsWith("#") && !line.startsWith("["));
  expect(keys.filter(line => !/^[A-Z][A-Za-z]+=/.test(line))).toEqual([]);
});

test("the licences name the versions that are bundled", () => {
  const licences = text("LICENSES.txt");
  expect(licences).toContain(`Bun ${bun} `);
  for (const [name, version] of Object.entries(packageFile.dependencies)) expect(licences).toContain(`${name} ${version} `);
});

test("the change log has an entry for this version", () => {
  expect(text("CHANGELOG.md")).toContain(`\n## ${packageFile.version}`);
});
