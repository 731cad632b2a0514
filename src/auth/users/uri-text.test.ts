import { expect, test } from "bun:test";
import { uriText } from "./uri-text.ts";

// Expected texts are the output of Go's net/url.
test("an invalid character in a URI causes its whole part to be escaped", () => {
  const written = [
    ["HTTP://Example.com/a", "http://Example.com/a"],
    ["x://", "x:"],
    ["https://h/a b", "https://h/a%20b"],
    ["https://h/a%2fb|c", "https://h/a/b%7Cc"],
    ["https://h/a[1]|", "https://h/a%5B1%5D%7C"],
    ["https://h/(a)!*' ", "https://h/%28a%29%21%2A%27%20"],
    ["https://h/a#", "https://h/a"],
    ["https://h/a#f g", "https://h/a#f%20g"],
    ["https://h/%41|", "https://h/A%7C"],
    ["/p q", "/p%20q"],
    ['https://h:80/x"y', "https://h:80/x%22y"],
    ["https://h/a\\b", "https://h/a%5Cb"],
    ["https://h/a+b c", "https://h/a+b%20c"],
  ];
  expect(written.map(([uri]) => [uri, uriText(uri)])).toEqual(written);
});

test("a valid URI is unchanged", () => {
  const unchanged = [
    "spiffe://localhost/my-nats-service/user-a",
    "spiffe:/a/b",
    "spiffe://u@h/p",
    "urn:uuid:1-2",
    "mailto:a b@c",
    "x:///p",
    "https://h/a%2fb",
    "https://h/a[1]",
    "https://h/(a)!*'",
    "https://h/a?b c",
    "https://h/a?",
    "https://h/a#f?g",
    "//h/p",
    "",
  ];
  expect(unchanged.map(uriText)).toEqual(unchanged);
});
