import { expect, test } from "bun:test";
import { FLAGS } from "./flag-table.ts";
import { helpText, tlsHelpText } from "./help-text.ts";

test("--help lists every flag in the reference's layout", () => {
  const text = helpText();
  expect(text).toStartWith("\nUsage: nats-server [options]\n\nServer Options:\n    -a, --addr, --net <host>         Bind to host address");
  expect(text).toContain("\n        --user <user>                User required for connections\n");
  expect(text).toContain("\n    -DV                              Debug and trace\n");
  for (const flag of FLAGS) for (const name of flag.names) expect(text, name).toContain(`-${name}`);
});

test("flag names are unique", () => {
  const names = FLAGS.flatMap(flag => flag.names);
  expect(names.length).toBe(new Set(names).size);
});

test("--help lists the server flags in the reference's order", () => {
  const section = helpText().split("Logging Options:")[0]!;
  const order = [
    "-a,",
    "-p,",
    "-n,",
    "-P,",
    "-m,",
    "-ms,",
    "-c,",
    "-t ",
    "--test_reload",
    "-sl,",
    "--client_advertise",
    "--ports_file_dir",
    "--http_base_path",
  ];
  const positions = order.map(flag => section.indexOf(` ${flag}`));
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  expect(positions).not.toContain(-1);
});

test("--help_tls lists exactly the supported cipher suites and curves", () => {
  const text = tlsHelpText();
  expect(text).toContain("    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n");
  expect(text).toContain("    CurveP256\n");
  expect(text).not.toContain("RC4");
  expect(text).not.toContain("SecP384r1MLKEM1024");
});
