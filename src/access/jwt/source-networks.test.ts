import { expect, test } from "bun:test";
import { ipBytes } from "../../base/go/address.ts";
import { isFromNetworks, networkOf } from "./source-networks.ts";

test("a user must connect from one of its networks; without networks it may connect from any address", () => {
  const rows: [networks: string[], host: string, allowed: boolean][] = [
    [[], "1.2.3.4", true],
    [[], "", true],
    [["10.0.0.0/8"], "10.255.0.1", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["1.2.3.4/32", "10.0.0.0/8"], "10.0.0.1", true],
    [["10.0.0.0/8"], "", false], // in the process
    [["10.0.0.0/8"], "localhost", false],
    [["0.0.0.0/0"], "::1", false],
    [["::/0"], "::1", true],
    [["::/0"], "1.2.3.4", false],
    [["10.0.0.0/8"], "::ffff:10.1.1.1", true],
    [["::ffff:10.0.0.0/104"], "10.1.1.1", true],
    [["::ffff:0:0/90"], "10.1.1.1", false],
    [["2001:db8::/33"], "2001:db8:7fff::1", true],
    [["2001:db8::/33"], "2001:db8:8000::1", false],
    [["fe80::/10"], "fe80::1%eth0", false],
    [["broken", "10.0.0.0/8"], "10.0.0.1", false], // the claims are invalid, so later networks are not used
  ];
  for (const [networks, host, allowed] of rows) expect(isFromNetworks(networks, host), `${networks} ${host}`).toBe(allowed);
});

test("addresses and networks are read as strictly as Go reads them", () => {
  for (const wrong of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "256.1.1.1",
    "1.2.3.4 ",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    ":::",
    "12345::",
    "g::",
    "::1.2.3",
    "1.2.3.4::",
    "::1%1",
    "1:2:3:4:5:6:7:8::",
  ]) {
    expect(ipBytes(wrong), wrong).toBe(null);
  }
  expect(ipBytes("::1.2.3.4")).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4));
  expect(ipBytes("1:2:3:4:5:6:7::")).toEqual(Uint8Array.of(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0));
  for (const wrong of ["1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+1", "::/129", "/8", "::1%1/64"])
    expect(networkOf(wrong), wrong).toBe(null);
  expect(networkOf("1.2.3.4/012")).toEqual({ address: Uint8Array.of(1, 0, 0, 0), bits: 12 });
});
