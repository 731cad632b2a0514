import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { acceptedEncoding, encodeContent, encodeInSlices } from "./content-encoding.ts";
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

test("content that is encoded in slices is the same content", () => {
  const pieces = Array.from({ length: 20 }, (_, index) => Buffer.from(`{"subject":"a.${index}"},`.repeat(500)));
  const encoded = (encoding: "snappy" | "gzip" | "identity" | null) => {
    const rest = encodeInSlices(pieces, encoding);
    for (let pauses = 0; ; pauses++) {
      const { done, value } = rest.next();
      if (done) return { ...value, pauses };
    }
  };
  const content = Buffer.concat(pieces);
  const gzip = encoded("gzip");
  expect(Buffer.from(gunzipSync(gzip.content))).toEqual(content);
  const snappy = encoded("snappy");
  expect(decodeS2Stream(snappy.content, content.length)).toEqual(content);
  expect([gzip.pauses, snappy.pauses]).toEqual([20, 20]);
  for (const { content: shorter } of [gzip, snappy]) expect(shorter.length).toBeLessThan(content.length / 5);
  expect(encoded("identity")).toEqual({ content, encoding: "identity", pauses: 0 });
});
