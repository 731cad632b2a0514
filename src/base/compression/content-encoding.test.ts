import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { acceptedEncoding, encodeContent } from "./content-encoding.ts";
import { decodeS2Stream } from "./s2-stream.ts";

test("snappy and s2 are preferred to gzip, in any letter case; unknown encodings give identity", () => {
  expect(["", "gzip", "GZIP;q=1", "snappy", "S2", "gzip, snappy", "br", "identity"].map(acceptedEncoding)).toEqual([
    null,
    "gzip",
    "gzip",
    "snappy",
    "snappy",
    "snappy",
    "identity",
    "identity",
  ]);
});

test("encoded content decodes to the original; empty content is not encoded", () => {
  const content = Buffer.from("event ".repeat(1_000));
  const gzip = encodeContent(content, "gzip");
  expect([gzip.encoding, gunzipSync(gzip.content).equals(content)]).toEqual(["gzip", true]);
  const snappy = encodeContent(content, "snappy");
  expect([snappy.encoding, decodeS2Stream(snappy.content, content.length).equals(content)]).toEqual(["snappy", true]);
  expect(encodeContent(content, "identity")).toEqual({ content, encoding: "identity" });
  expect(encodeContent(content, null)).toEqual({ content, encoding: null });
  expect(encodeContent(new Uint8Array(0), "gzip")).toEqual({ content: new Uint8Array(0), encoding: null });
});
