import { expect, test } from "bun:test";
import { nearestName } from "./nearest-name.ts";

const NAMES = ["port", "max_payload", "max_pending", "ping_interval", "tls", "host"];

test("letters that are missing, too many, wrong or swapped are seen through", () => {
  expect(["prot", "max_payloda", "maxpending", "ping_intervall", "tsl", "hosd"].map(given => nearestName(given, NAMES))).toEqual([
    "port",
    "max_payload",
    "max_pending",
    "ping_interval",
    "tls",
    "host",
  ]);
});

test("what is like none of the names has no neighbour", () => {
  expect(["x", "", "gateway", "qqqqqqqqqqqq", "a".repeat(10_000)].map(given => nearestName(given, NAMES))).toEqual([
    null,
    null,
    null,
    null,
    null,
  ]);
});
