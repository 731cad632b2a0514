import { expect, test } from "bun:test";
import { bindHost } from "./host-port.ts";
import { listenAddress } from "./listen-address.ts";

test("a name is bound at its IPv4 address, where it has one", () => {
  expect(listenAddress("localhost")).toBe("127.0.0.1");
  expect(listenAddress("both.example", name => (name === "both.example" ? "192.0.2.1" : null))).toBe("192.0.2.1");
  expect(listenAddress("six.example", () => null)).toBe("six.example");
});

test("an address is bound as it is", () => {
  const never = () => {
    throw new Error("resolved");
  };
  for (const host of ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%lo", ""]) expect(listenAddress(host, never)).toBe(host);
});

test("a listener's host is resolved before it is bound", () => {
  expect(bindHost("localhost", host => host)).toBe("127.0.0.1");
  expect(bindHost("0.0.0.0", host => host)).toBe("::");
});
