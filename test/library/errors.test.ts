/** The errors of the library: their classes and stable codes, as docs/errors.md lists them. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigErrors, NatsServer, OptionError, ReloadError, StartError, type StartOptions, StoppedError } from "../../src/index.ts";

async function startError(options: StartOptions): Promise<unknown> {
  try {
    await using server = await NatsServer.start({ host: "127.0.0.1", port: 0, ...options });
    return server;
  } catch (error) {
    return error;
  }
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-errors-"));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("a port in use is a StartError with the code EADDRINUSE, for every listener", async () => {
  await using other = await NatsServer.start({ host: "127.0.0.1", port: 0 });
  const websocket = { host: "127.0.0.1", port: other.port, noTls: true };
  for (const options of [{ port: other.port }, { httpPort: other.port }, { profilingPort: other.port }, { websocket }] as StartOptions[]) {
    const error = await startError(options);
    expect(error, JSON.stringify(options)).toBeInstanceOf(StartError);
    expect((error as StartError).code, JSON.stringify(options)).toBe("EADDRINUSE");
    expect((error as StartError).message).toContain("bind: address already in use");
  }
});

test("a Unix socket in use has the code EADDRINUSE too", async () => {
  await inDirectory(async directory => {
    const listenUnix = { path: join(directory, "socket"), mode: 0o700 };
    await using _other = await NatsServer.start({ host: "127.0.0.1", port: 0, listenUnix });
    expect(await startError({ listenUnix })).toMatchObject({ name: "StartError", code: "EADDRINUSE" });
  });
});

test("errors of files have the system's code, errors of a tls block ERR_TLS, others ERR_START", async () => {
  await inDirectory(async directory => {
    const missing = join(directory, "missing", "file");
    expect(await startError({ pidFile: missing })).toMatchObject({ name: "StartError", code: "ENOENT" });
    const tls = { certificates: [{ certFile: missing, keyFile: missing }] };
    expect(await startError({ tls })).toMatchObject({ name: "StartError", code: "ERR_TLS" });
    expect(await startError({ clientAdvertise: "a:b:c" })).toMatchObject({ name: "StartError", code: "ERR_START" });
  });
});

test("an option that does not exist or has a wrong value is an OptionError with the code ERR_OPTIONS", async () => {
  for (const options of [{ prot: 4222 }, { port: "4222" }, { port: 70_000 }, { payloadBytesMax: 2 ** 40 }] as StartOptions[]) {
    const error = await startError(options);
    expect(error, JSON.stringify(options)).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ name: "OptionError", code: "ERR_OPTIONS" });
  }
});

test("a configuration file with mistakes is a ConfigErrors with file, line and column of each", async () => {
  await inDirectory(async directory => {
    const configFile = join(directory, "nats.conf");
    writeFileSync(configFile, 'port: "a"\n\n  max_paylod: 1MB\n');
    const error = (await startError({ configFile })) as ConfigErrors;
    expect(error).toBeInstanceOf(ConfigErrors);
    expect(error).toBeInstanceOf(OptionError);
    expect(error.code).toBe("ERR_CONFIG_FILE");
    expect(error.problems.map(({ file, line, column }) => ({ file, line, column }))).toEqual([
      { file: configFile, line: 1, column: 0 },
      { file: configFile, line: 3, column: 3 },
    ]);
    expect(error.problems[1]!.message).toContain('unknown field "max_paylod"');
  });
});

test("the error of a missing configuration file has no file, line and column", async () => {
  const error = (await startError({ configFile: "/nowhere/nats.conf" })) as ConfigErrors;
  expect(error.code).toBe("ERR_CONFIG_FILE");
  expect(error.problems).toEqual([{ message: error.message, file: null, line: null, column: null }]);
});

test("a refused reload is a ReloadError, an invalid file a ConfigErrors; the server continues", async () => {
  await inDirectory(async directory => {
    const configFile = join(directory, "nats.conf");
    writeFileSync(configFile, "max_payload: 1000\n");
    await using server = await NatsServer.start({ host: "127.0.0.1", port: 0, configFile });
    writeFileSync(configFile, "max_payload: 1000\nmax_pending: 12345\n");
    expect(() => server.reload()).toThrow(ReloadError);
    writeFileSync(configFile, "max_paylod: 1000\n");
    expect(() => server.reload()).toThrow(ConfigErrors);
    writeFileSync(configFile, "max_payload: 2000\n");
    server.reload();
  });
  await using plain = await NatsServer.start({ host: "127.0.0.1", port: 0 });
  expect(() => plain.reload()).toThrow(expect.objectContaining({ name: "ReloadError", code: "ERR_RELOAD" }));
});

test("connecting to a server that has stopped is a StoppedError", async () => {
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0 });
  await server.stop();
  expect(() => server.connect()).toThrow(StoppedError);
  expect(() => server.connect()).toThrow(expect.objectContaining({ code: "ERR_STOPPED" }));
});
