import { expect, test } from "bun:test";
import { hostPort, parseHostPort, reachableHosts } from "./host-port.ts";

const parse = (text: string) => {
  try {
    return parseHostPort(text, 4222);
  } catch (error) {
    return (error as Error).message;
  }
};

test("an IPv6 address is written in brackets", () => {
  expect([hostPort("::1", 1), hostPort("a", 2)]).toEqual(["[::1]:1", "a:2"]);
});

test("splits a host with or without a port", () => {
  expect(parse("a.b")).toEqual(["a.b", 4222]);
  expect(parse("a.b:1")).toEqual(["a.b", 1]);
  expect(parse("a.b:-1")).toEqual(["a.b", 4222]);
  expect(parse("a.b:0")).toEqual(["a.b", 4222]);
  expect(parse("[::1]")).toEqual(["::1", 4222]);
  expect(parse("[::1]:7")).toEqual(["::1", 7]);
});

test("an invalid address is refused with the reference's text", () => {
  expect(parse("a:b")).toBe('strconv.Atoi: parsing "b": invalid syntax');
  expect(parse("a:")).toBe('strconv.Atoi: parsing "": invalid syntax');
  expect(parse("::1")).toBe("address ::1: too many colons in address");
  expect(parse("[::1")).toBe("address [::1: missing ']' in address");
});

test("a system that does not tell its addresses leaves none", () => {
  const refusing = () => {
    throw new Error("A system error occurred: uv_interface_addresses returned Unknown system error 97");
  };
  expect(reachableHosts("0.0.0.0", refusing)).toEqual([]);
  expect(reachableHosts("10.0.0.1", refusing)).toEqual(["10.0.0.1"]);
});
