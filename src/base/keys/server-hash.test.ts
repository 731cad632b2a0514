import { expect, test } from "bun:test";
import { serverHash } from "./server-hash.ts";

// Made by Go, as the reference does it.
test("a server's name becomes the eight characters that nats-server makes of it", () => {
  expect(["", "one", "nats-1", "NCQKYV3VQRPTTJTPBLWZ4O3B6SIUKQTOG4TBQFLBF5CWZ5YQXHYNMKNL", "größe"].map(serverHash)).toEqual([
    "fqA4S4SK",
    "uM9nr214",
    "yrzKKRBu",
    "UTL0bsT6",
    "PLcfRfp7",
  ]);
});
