import { expect, test } from "bun:test";
import { FLAGS } from "./flag-table.ts";
import { helpText } from "./help-text.ts";

test("help has every flag, in the reference's layout", () => {
  const text = helpText();
  expect(text).toStartWith("\nUsage: nats-server [options]\n\nServer Options:\n    -a, --addr, --net <host>         Bind to host address");
  expect(text).toContain("\n        --user <user>                User required for connections\n");
  expect(text).toContain("\n    -DV                              Debug and trace\n");
  for (const flag of FLAGS) for (const name of flag.names) expect(text, name).toContain(`-${name}`);
});

test("no name is given to two flags", () => {
  const names = FLAGS.flatMap(flag => flag.names);
  expect(names.length).toBe(new Set(names).size);
});
