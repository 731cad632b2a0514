/** The files of conf/ can be used: by us, and by nats-server 2.15.2 where nothing in them is ours alone. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";
import { completeOptions } from "../../src/config/schema/options.ts";
import { findReference, referenceIsRequired } from "../reference/reference-server.ts";
import { digestSaid } from "./reference-check.ts";

const conf = join(import.meta.dir, "../../conf");
const files = [...new Bun.Glob("**/*.conf").scanSync(conf)].sort();
const OURS_ALONE = ["logging-extended.conf", "unix-socket.conf"];
/** Their certificates are not here: they are made for the test. */
const WITH_CERTIFICATES = ["tls.conf", "mutual-tls.conf"];
const environment = { NATS_TOKEN: "t0ken", NATS_USER: "ann", NATS_PASSWORD: "secret", SERVER_NAME: "nats-0" };

const reference = findReference();
const skips = reference.path === null && !referenceIsRequired();
const skipped = skips ? ` (skipped: ${reference.missing})` : "";

function usable(file: string) {
  return completeOptions(loadConfigFile(join(conf, file), environment).options);
}

test("every example is in the list of conf/README.md", () => {
  const readme = readFileSync(join(conf, "README.md"), "utf8");
  expect(files.filter(file => !readme.includes(`(${file})`) && file !== "kubernetes/limits.conf")).toEqual([]);
});

for (const file of files.filter(one => !WITH_CERTIFICATES.includes(one))) {
  test(`${file} can be used`, () => {
    const { warnings } = loadConfigFile(join(conf, file), environment);
    expect(warnings).toEqual([]);
    expect(() => usable(file)).not.toThrow();
  });
  if (OURS_ALONE.includes(file)) continue;
  test.skipIf(skips)(`${file} has the reference's digest${skipped}`, () => {
    const path = join(conf, file);
    expect(digestSaid(reference.path!, path, environment)).toBe(loadConfigFile(path, environment).digest);
  });
}

for (const file of WITH_CERTIFICATES) {
  test(`${file} can be used where its certificates are`, () => {
    const directory = mkdtempSync(join(tmpdir(), "bunats-conf-"));
    try {
      mkdirSync(join(directory, "certs"));
      for (const name of ["server", "ca"]) makeCertificate(join(directory, "certs"), name);
      const text = readFileSync(join(conf, file), "utf8").replaceAll("certs/", `${directory}/certs/`);
      writeFileSync(join(directory, file), text);
      const { options, warnings } = loadConfigFile(join(directory, file), environment);
      expect(warnings).toEqual([]);
      expect(dirname(completeOptions(options).tls!.certificates[0]!.certFile)).toBe(join(directory, "certs"));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

function makeCertificate(directory: string, name: string): void {
  const command = [
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "1",
    "-subj",
    "/CN=x",
  ];
  const { exitCode, stderr } = Bun.spawnSync([
    ...command,
    "-keyout",
    join(directory, `${name}-key.pem`),
    "-out",
    join(directory, `${name}.pem`),
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
}

test("the Helm chart's shape says what the pod is called, and what it includes", () => {
  expect(usable("kubernetes/nats.conf")).toMatchObject({
    serverName: "nats-0",
    port: 4222,
    httpPort: 8222,
    pidFile: "/var/run/nats/nats.pid",
    lameDuckDurationMs: 30_000,
    lameDuckGraceMs: 10_000,
    connectionsMax: 10_000,
    payloadBytesMax: 2 * 1024 * 1024,
    writeDeadlineMs: 5_000,
  });
});
