import { expect, test } from "bun:test";
import { serverHash } from "./server-hash.ts";

// Expected values were computed in Go, by the reference's algorithm.
test("a server's name is hashed to the same eight characters as in nats-server", () => {
  expect(["", "one", "nats-1", "NCQKYV3VQRPTTJTPBLWZ4O3B6SIUKQTOG4TBQFLBF5CWZ5YQXHYNMKNL", "größe"].map(serverHash)).toEqual([
    "fqA4S4SK",
    "uM9nr214",
    "yrzKKRBu",
    "UTL0bsT6",
    "PLcfRfp7",
  ]);
});
