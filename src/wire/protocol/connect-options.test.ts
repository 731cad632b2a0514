import { expect, test } from "bun:test";
import { checkInfo, initialConnectOptions, readConnect } from "./connect-options.ts";

/** The fields that a CONNECT changes, or its error. */
function changes(json: string): Record<string, unknown> | string {
  const options = initialConnectOptions();
  const wrong = readConnect(json, options);
  if (wrong !== null) return wrong;
  const before: object = initialConnectOptions();
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== before[name as never]));
}

test("fields that a CONNECT does not name keep their value; unknown fields are ignored", () => {
  expect(changes("{}")).toEqual({});
  expect(changes('{"verbose":false,"user":"a","protocol":1,"sig_x":1,"tls":{"a":[1]}}')).toEqual({
    verbose: false,
    user: "a",
    protocol: 1,
  });
  const options = initialConnectOptions();
  readConnect('{"verbose":false,"user":"a"}', options);
  readConnect('{"user":"b"}', options);
  expect([options.verbose, options.user]).toEqual([false, "b"]);
});

test("names match in upper and lower case; of several values for a field the last one counts", () => {
  expect(changes('{"VERBOSE":false,"Auth_Token":"t"}')).toEqual({ verbose: false, auth_token: "t" });
  expect(changes('{"user":"a","USER":"b"}')).toEqual({ user: "b" });
});

test("null changes no field", () => {
  expect(changes("null")).toEqual({});
  expect(changes('{"verbose":null,"user":null,"protocol":null,"import":null}')).toEqual({});
});

test("a value of another type is an error, not a conversion", () => {
  expect(changes('{"verbose":"false"}')).toBe("json: cannot unmarshal string into Go struct field ClientOpts.verbose of type bool");
  expect(changes('{"verbose":0}')).toBe("json: cannot unmarshal number into Go struct field ClientOpts.verbose of type bool");
  expect(changes('{"user":1}')).toBe("json: cannot unmarshal number into Go struct field ClientOpts.user of type string");
  expect(changes('{"user":["a"]}')).toBe("json: cannot unmarshal array into Go struct field ClientOpts.user of type string");
  expect(changes('{"protocol":"1"}')).toBe("json: cannot unmarshal string into Go struct field ClientOpts.protocol of type int");
  expect(changes('{"protocol":true}')).toBe("json: cannot unmarshal bool into Go struct field ClientOpts.protocol of type int");
  for (const number of ["1.0", "1e0", "1.5", "9223372036854775808", "-9223372036854775809"]) {
    expect(changes(`{"protocol":${number}}`)).toBe(
      `json: cannot unmarshal number ${number} into Go struct field ClientOpts.protocol of type int`,
    );
  }
  expect(changes('{"protocol":-1}')).toEqual({ protocol: -1 });
});

test("a value that is not an object is an error", () => {
  expect(changes("[]")).toBe("json: cannot unmarshal array into Go value of type server.ClientOpts");
  expect(changes('"a"')).toBe("json: cannot unmarshal string into Go value of type server.ClientOpts");
  expect(changes("1")).toBe("json: cannot unmarshal number into Go value of type server.ClientOpts");
  expect(changes("true")).toBe("json: cannot unmarshal bool into Go value of type server.ClientOpts");
  for (const empty of ["", " ", "\t\r"]) expect(changes(empty)).toBe("unexpected end of JSON input");
  expect(changes("{")).toBe("unexpected end of JSON input");
  for (const broken of ["{]", '{"a"}', "{'a':1}", "nul", '{"a":01}', "{}x"])
    expect(changes(broken), broken).toStartWith("invalid character");
});

test("names that JavaScript itself uses are ordinary unknown fields", () => {
  const text = '{"__proto__":{"verbose":false},"constructor":1,"toString":"x","hasOwnProperty":true}';
  expect(changes(text)).toEqual({});
  expect(Object.getPrototypeOf({}).verbose).toBe(undefined);
});

test("the types of permissions are checked", () => {
  expect(changes('{"import":{"allow":["a",null],"DENY":null,"other":5},"export":{}}')).toEqual({});
  const wrong: Record<string, string> = {
    '"a"': "string into Go struct field ClientOpts.import of type server.SubjectPermission",
    "[]": "array into Go struct field ClientOpts.import of type server.SubjectPermission",
    "5": "number into Go struct field ClientOpts.import of type server.SubjectPermission",
    '{"allow":"a"}': "string into Go struct field SubjectPermission.import.allow of type []string",
    '{"deny":[1]}': "number into Go struct field SubjectPermission.import.deny of type string",
    '{"Deny":{}}': "object into Go struct field SubjectPermission.import.deny of type []string",
  };
  for (const [shape, error] of Object.entries(wrong)) {
    expect(changes(`{"import":${shape}}`)).toBe(`json: cannot unmarshal ${error}`);
  }
});

test("an INFO from a client must be JSON with the types of INFO", () => {
  for (const right of [
    "{}",
    "null",
    '{"port":4222,"connect_urls":["a"],"client_id":18446744073709551615,"gossip_mode":255,"max_payload":-1,"x":{}}',
  ]) {
    expect(checkInfo(right), right).toBe(null);
  }
  for (const wrong of [
    '{"port":"4222"}',
    '{"connect_urls":"a"}',
    '{"client_id":-1}',
    '{"gossip_mode":256}',
    '{"max_payload":2147483648}',
    '{"ldm":1}',
  ]) {
    expect(checkInfo(wrong), wrong).toContain("json: cannot unmarshal");
  }
  expect(checkInfo("x")).toBe("invalid character 'x' looking for beginning of value");
});
