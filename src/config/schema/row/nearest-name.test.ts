import { expect, test } from "bun:test";
import { nearestName } from "./nearest-name.ts";

const NAMES = ["port", "max_payload", "max_pending", "ping_interval", "tls", "host"];

test("a name with missing, extra, wrong or swapped letters has a nearest name", () => {
  expect(["prot", "max_payloda", "maxpending", "ping_intervall", "tsl", "hosd"].map(given => nearestName(given, NAMES))).toEqual([
    "port",
    "max_payload",
    "max_pending",
    "ping_interval",
    "tls",
    "host",
  ]);
});

test("a name unlike all others has no nearest name", () => {
  expect(["x", "", "gateway", "qqqqqqqqqqqq", "a".repeat(10_000)].map(given => nearestName(given, NAMES))).toEqual([
    null,
    null,
    null,
    null,
    null,
  ]);
});
