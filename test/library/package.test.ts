/**
 * The package as a dependency of another project: its types check there, and the tarball holds only the necessary files.
 *
 * Nothing is installed, so no network is needed: the package is put into node_modules as a link, as `npm install <path>` does,
 * or as the unpacked tarball.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const modules = join(root, "node_modules");
const TSC = join(modules, "typescript/bin/tsc");

/** A program that uses every export of the package, and nested options. */
const PROGRAM = `
import {
  type Authenticate, ConfigErrors, type InProcessConnection, type Logger, NatsServer, OptionError, ReloadError, StartError, StoppedError,
  type StartOptions,
} from "bunats";

const authenticate: Authenticate = async ({ user, password, certificate, connectionType, verifyNkey }) => {
  if (connectionType === "WEBSOCKET" || certificate?.subject === "") return false;
  return user === password && verifyNkey() ? { account: "A", permissions: { publish: { allow: ["a.>"] } } } : null;
};
const options: StartOptions = {
  host: "127.0.0.1",
  port: 0,
  pingIntervalMs: 1_000,
  accounts: [{ name: "A", users: [{ user: "a", password: "b" }], exports: [{ kind: "service", subject: "s" }], limits: { connectionsMax: 1 } }],
  authorization: { users: [{ user: "u", password: "p", permissions: { subscribe: { deny: ["x"] } } }] },
  websocket: { port: 0, noTls: true },
  tls: { certificates: [{ certFile: "cert.pem", keyFile: "key.pem" }] },
  authenticate,
};
// @ts-expect-error there is no such option
const wrong: StartOptions = { prot: 4222 };
// @ts-expect-error there is no such option of tls
const wrongTls: StartOptions = { tls: { certificats: [] } };
const log: Logger | null = null;
await using server = await NatsServer.start(log === null ? options : { ...options, log });
const port: number = server.port;
const monitorPort: number | null = server.monitorPort;
const connection: InProcessConnection = server.connect();
connection.onData = (bytes: Uint8Array) => void bytes.length;
connection.write("PING\\r\\n");
connection.close();
try {
  server.reload();
} catch (error) {
  if (error instanceof ConfigErrors) for (const { file, line, column, message } of error.problems) void [file, line, column, message];
  else if (error instanceof OptionError || error instanceof ReloadError || error instanceof StoppedError) void error.code.length;
  else if (error instanceof StartError && error.code === "EADDRINUSE") throw error;
}
await server.lameDuck();
export { monitorPort, port, wrong, wrongTls };
`;

/** The tsconfig.json of `bun init` in Bun 1.4.5. */
const BUN_INIT = {
  compilerOptions: {
    lib: ["ESNext"],
    target: "ESNext",
    module: "Preserve",
    moduleDetection: "force",
    jsx: "react-jsx",
    allowJs: true,
    types: ["bun"] as string[],
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    noFallthroughCasesInSwitch: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
  },
};

const scratch = mkdtempSync(join(tmpdir(), "bunats-package-"));
const unpacked = join(scratch, "package");

beforeAll(() => {
  run(["npm", "pack", root, "--silent", "--ignore-scripts", "--pack-destination", scratch], scratch);
  const tarball = readdirSync(scratch).find(name => name.endsWith(".tgz"))!;
  run(["tar", "xzf", tarball], scratch);
});
afterAll(() => rmSync(scratch, { recursive: true }));

function run(command: string[], cwd: string): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: status ${exitCode}\n${stdout}${stderr}`);
  return stdout.toString();
}

/** A new project that depends on the package. */
function project(name: string, from: "path" | "tarball", bunTypes: boolean): string {
  const directory = join(scratch, name);
  mkdirSync(join(directory, "node_modules/@types/bun"), { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "name": "consumer", "type": "module", "private": true }');
  writeFileSync(join(directory, "index.ts"), PROGRAM);
  if (from === "path") symlinkSync(root, join(directory, "node_modules/bunats"));
  else cpSync(unpacked, join(directory, "node_modules/bunats"), { recursive: true });
  if (bunTypes) {
    writeFileSync(join(directory, "node_modules/@types/bun/index.d.ts"), '/// <reference types="bun-types" />\n');
    writeFileSync(
      join(directory, "node_modules/@types/bun/package.json"),
      '{ "name": "@types/bun", "version": "1.4.5", "types": "index.d.ts" }',
    );
    for (const module of ["bun-types", "undici-types", "@types/node"])
      symlinkSync(join(modules, module), join(directory, "node_modules", module));
  } else rmSync(join(directory, "node_modules/@types"), { recursive: true });
  return directory;
}

function bunInit(directory: string, bunTypes: boolean): void {
  const compilerOptions = { ...BUN_INIT.compilerOptions, types: bunTypes ? ["bun"] : [] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions }));
}

function check(directory: string, ...flags: string[]): string {
  const { stdout } = Bun.spawnSync([process.execPath, TSC, "--noEmit", "--pretty", "false", ...flags], { cwd: directory });
  return stdout.toString();
}

for (const from of ["path", "tarball"] as const) {
  for (const bunTypes of [true, false]) {
    const types = bunTypes ? "with Bun's types" : "without Bun's types";
    test(`a project of \`bun init\` ${types} that depends on the ${from} checks clean`, () => {
      const directory = project(`bun-${from}-${bunTypes}`, from, bunTypes);
      bunInit(directory, bunTypes);
      expect(check(directory)).toBe("");
    });

    test(`a project of \`tsc --init\` ${types} that depends on the ${from} checks clean`, () => {
      const directory = project(`tsc-${from}-${bunTypes}`, from, bunTypes);
      run([process.execPath, TSC, "--init"], directory);
      expect(check(directory, ...(bunTypes ? ["--types", "bun"] : []))).toBe("");
    });
  }
}

test("the transport for the official client in docs/library.md checks clean", () => {
  const directory = project("transport", "tarball", true);
  const [, program] = /```ts\n(\/\/ nats-inside\.ts\n.*?)```/s.exec(readFileSync(join(root, "docs/library.md"), "utf8"))!;
  writeFileSync(join(directory, "nats-inside.ts"), program!);
  symlinkSync(join(modules, "@nats-io"), join(directory, "node_modules/@nats-io"));
  bunInit(directory, true);
  expect(check(directory)).toBe("");
});

test("the types check clean without skipLibCheck, and under the strictest options", () => {
  const directory = project("strictest", "tarball", false);
  bunInit(directory, false);
  const flags = ["--skipLibCheck", "false", "--exactOptionalPropertyTypes", "--noPropertyAccessFromIndexSignature"];
  expect(check(directory, ...flags)).toBe("");
});

test("a project with an older target and CommonJS resolution finds the types", () => {
  const directory = project("older", "tarball", false);
  writeFileSync(
    join(directory, "index.ts"),
    'import { NatsServer } from "bunats";\nexport const port = (server: NatsServer) => server.port.toFixed();\n',
  );
  const compilerOptions = {
    target: "es2016",
    module: "commonjs",
    moduleResolution: "node10",
    strict: true,
    esModuleInterop: true,
    types: [],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  expect(check(directory, "--skipLibCheck", "false")).toBe("");
});

test("a package without its types fails the check", () => {
  const directory = project("broken", "tarball", false);
  bunInit(directory, false);
  rmSync(join(directory, "node_modules/bunats/types"), { recursive: true });
  expect(check(directory)).not.toBe("");
});

test("the tarball has sources, types, examples and documentation, and no tests or development files", () => {
  const files = [...new Bun.Glob("**/*").scanSync({ cwd: unpacked, dot: true })].sort();
  expect(files.filter(file => !/^(?:src|conf)\/|^docs\/[a-z-]+\.md$/.test(file))).toEqual([
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSES.txt",
    "README.md",
    "package.json",
    "types/index.d.ts",
  ]);
  expect(files.filter(file => file.includes(".test.") || file.includes("fuzz"))).toEqual([]);
  expect(files.filter(file => file.startsWith("src/")).length).toBeGreaterThan(100);
  for (const file of ["src/index.ts", "src/main.ts", "docs/errors.md", "docs/library.md", "conf/simple.conf"])
    expect(files).toContain(file);
});

test("`bun pm pack` makes the same tarball as `npm pack`", () => {
  const destination = join(scratch, "bun");
  mkdirSync(destination);
  run([process.execPath, "pm", "pack", "--quiet", "--ignore-scripts", "--destination", destination], root);
  run(["tar", "xzf", readdirSync(destination)[0]!], destination);
  const files = (directory: string) => [...new Bun.Glob("**/*").scanSync({ cwd: directory, dot: true })].sort();
  expect(files(join(destination, "package"))).toEqual(files(unpacked));
});

test("a project with the tarball starts a server, and runs the program", () => {
  const directory = project("runs", "tarball", false);
  mkdirSync(join(directory, "node_modules/@noble"), { recursive: true });
  symlinkSync(join(modules, "@noble/ciphers"), join(directory, "node_modules/@noble/ciphers"));
  writeFileSync(
    join(directory, "index.ts"),
    'import { NatsServer } from "bunats";\nawait using server = await NatsServer.start({ port: 0 });\nconsole.log(server.port > 0);\n',
  );
  expect(run([process.execPath, "run", "index.ts"], directory)).toBe("true\n");
  expect(run([process.execPath, "run", join(directory, "node_modules/bunats/src/main.ts"), "-v"], directory)).toStartWith("nats-server: v");
});
