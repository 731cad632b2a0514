import { expect, test } from "bun:test";
import { uptimeText } from "./endpoint.ts";

test("an uptime omits leading units that are zero", () => {
  const seconds = (value: number) => uptimeText(value * 1000);
  expect([seconds(0), seconds(59.9), seconds(65), seconds(3_602), seconds(172_801), seconds(366 * 86_400 + 1)]).toEqual([
    "0s",
    "59s",
    "1m5s",
    "1h0m2s",
    "2d0h0m1s",
    "1y1d0h0m1s",
  ]);
});
