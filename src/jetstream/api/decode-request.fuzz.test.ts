import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { STREAM_CONFIG_REQUEST } from "../config/stream-config.ts";
import { decodeDirectGet, decodeDirectGetBySubject } from "../stream/get-request.ts";
import { decodeRequest, isEmptyRequest, isJson } from "./decode-request.ts";

const BODY = Buffer.from(
  '{"name":"é","subjects":["a.>","b"],"max_age":1e9,"mirror":{"name":"O","opt_start_time":"2024-01-01T00:00:00Z"},"metadata":{"k":"\\u00e9"},"retention":"limits"}',
);

const ROUNDS_MS = 60_000;

test(
  "fuzz: bodies that are cut or damaged are refused or decoded, and never fail otherwise",
  () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const counts = { refused: 0, decoded: 0 };
    for (let round = 0; round < 3_000; round++) {
      const body = Buffer.from(BODY.subarray(0, random.chance(0.5) ? random.below(BODY.length + 1) : BODY.length));
      const damages = body.length === 0 ? 0 : random.below(3);
      for (let damage = 0; damage < damages; damage++) body[random.below(body.length)] = random.below(256);
      const message = `SEED=${seed} round=${round} ${body.toString("latin1")}`;
      for (const strict of [true, false]) {
        const { value, fault, error } = decodeRequest(STREAM_CONFIG_REQUEST, body, strict);
        expect((value === null) === (error !== null), message).toBe(true);
        if (strict) expect((fault === null) === (error === null), message).toBe(true);
        counts[error === null ? "decoded" : "refused"]++;
      }
      expect(isEmptyRequest(body) && !isJson(body) && body.length > 0, message).toBe(false);
      for (const get of [decodeDirectGet(body), decodeDirectGetBySubject(body, "a")]) expect(get, message).toBeDefined();
    }
    expect(Math.min(counts.refused, counts.decoded), `SEED=${seed}`).toBeGreaterThan(10);
  },
  ROUNDS_MS,
);

test("a list as deep as allowed, and a deeper one, are refused with an error", () => {
  for (const depth of [9_000, 100_000]) {
    const body = Buffer.from(`{"retention":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    expect(decodeRequest(STREAM_CONFIG_REQUEST, body, true).error?.err_code).toBe(10_025);
    expect(isEmptyRequest(body)).toBe(false);
  }
});
