/** The files of conf/ are valid for our server, and for nats-server 2.15.3 where they use only its options. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";
import { answerOfReference, Recording } from "../reference/recording.ts";
import { authority, CertificateDirectory } from "../tls/certificates.ts";
import { digestOf } from "./reference-check.ts";

const conf = join(import.meta.dir, "../../conf");
const files = [...new Bun.Glob("**/*.conf").scanSync(conf)].sort();
/** Examples of options that the reference does not have. */
const WITH_OWN_OPTIONS = ["logging-extended.conf", "unix-socket.conf"];
/** Examples whose certificates tests create. */
const WITH_CERTIFICATES = ["tls.conf", "mutual-tls.conf"];
const environment = { NATS_TOKEN: "t0ken", NATS_USER: "ann", NATS_PASSWORD: "secret", SERVER_NAME: "nats-0" };

const it = new Recording(import.meta.path);

function completed(file: string) {
  return completeOptions(loadConfigFile(join(conf, file), environment).options);
}

test("every example is in the list of conf/README.md", () => {
  const readme = readFileSync(join(conf, "README.md"), "utf8");
  expect(files.filter(file => !readme.includes(`(${file})`) && file !== "kubernetes/limits.conf")).toEqual([]);
});

for (const file of files.filter(one => !WITH_CERTIFICATES.includes(one))) {
  test(`${file} is valid`, () => {
    const { warnings } = loadConfigFile(join(conf, file), environment);
    expect(warnings).toEqual([]);
    expect(() => completed(file)).not.toThrow();
  });
  if (WITH_OWN_OPTIONS.includes(file)) continue;
  it.compared(`${file} has the reference's digest`, async () => {
    const path = join(conf, file);
    // Without its prefix, by which the recording recognises and replaces digests.
    const digest = await answerOfReference(() => digestOf(path, environment).replace("sha256:", ""));
    expect(loadConfigFile(path, environment).digest).toBe(`sha256:${digest}`);
  });
}

for (const file of WITH_CERTIFICATES) {
  test(`${file} is valid with its certificates`, () => {
    using certificates = new CertificateDirectory();
    const { path } = certificates;
    const root = authority();
    const server = root.issue({ subject: "CN=x" });
    certificates.write("ca.pem", root.pem);
    certificates.write("server.pem", server.pem);
    certificates.write("server-key.pem", server.keyPem);
    const config = certificates.write(file, readFileSync(join(conf, file), "utf8").replaceAll("certs/", `${path}/`));
    const { options, warnings } = loadConfigFile(config, environment);
    expect(warnings).toEqual([]);
    expect(dirname(completeOptions(options).tls!.certificates[0]!.certFile)).toBe(path);
  });
}

test("a file like the Helm chart's takes the pod's name and its included files", () => {
  expect(completed("kubernetes/nats.conf")).toMatchObject({
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
