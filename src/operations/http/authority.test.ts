import { expect, test } from "bun:test";
import { isAuthority } from "./authority.ts";

/** As nats-server 2.15.3 answers `GET http://<authority>/healthz`. Two blanks stand between authorities. */
const VALID = [
  `a:  a:80  a%e4  a%c3%a4  a<b  a>b  a"b  u@h  u:p@h  u%41@h  a@b@c  a]  a]:1  h:99999999  é  u:@h  @h`,
  `a~!$&'()*+,;=b  a%25b  a%2541  [::1]  [::1]:80  [::1]:  [fe80::1%25en0]  [::ffff:1.2.3.4]  [::1%25%41]`,
  `u@[::1]:9  [::1%25a%20b]  [::1%25a%25]  [::1%25é]  [::1%25a<b]  [::1%2541]  [1:2:3:4:5:6:7:8]  [::FFFF]`,
  `[1:2:3:4:5:6:1.2.3.4]  [1:2:3:4:5:6:7::]  [::2:3:4:5:6:7:8]`,
];
const INVALID = [
  `[::bad  [::1]:x  [::1]x  [::g]  [1.2.3.4]  [fe80::1%en0]  []  a:b  a:8 0  a%41  a%zz  a b  a\\b  a^b  a{b  a|b`,
  `u%@h  u<@h  h:1:2  ::1  a[b  [::1  x[::1]  user[@h  %00  a%20b  [v1.a]  [::1%25]  u@[::bad  [::1%25a b]`,
  `[::1%25a^b]  [::1%25%zz]  [::1%25%e4]  [::1%25%00]  [::%31]  [1:2:3:4:5:6:7:8:9]  [1::2::3]  [::1.2.3]`,
  `[::01.2.3.4]  [00001::]  [:::]  [0:0:0:0:0:0:0:1.2.3.4]  [::1]]  [[::1]  [::1:2:3:4:5:6:7:8]`,
];

test("authorities of absolute addresses are valid as in the reference", () => {
  const valid = ["", ...VALID.flatMap(row => row.split("  "))];
  const invalid = ["a`b", ...INVALID.flatMap(row => row.split("  "))];
  expect(valid.filter(text => !isAuthority(text))).toEqual([]);
  expect(invalid.filter(text => isAuthority(text))).toEqual([]);
});
