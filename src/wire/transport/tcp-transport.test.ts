import { expect, test } from "bun:test";
import { plainAddress } from "./tcp-transport.ts";

test("an IPv4-mapped address is shown as IPv4", () => {
  expect(plainAddress("::ffff:127.0.0.1")).toBe("127.0.0.1");
  for (const address of ["127.0.0.1", "::1", "::ffff:0:0", "fe80::1", ""]) expect(plainAddress(address)).toBe(address);
});
