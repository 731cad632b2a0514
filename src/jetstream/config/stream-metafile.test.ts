import { expect, test } from "bun:test";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { defaultStreamConfig } from "./stream-config.ts";
import { decodeStreamMetafile, encodeStreamMetafile, repairStoredConfig } from "./stream-metafile.ts";

const GOLDEN =
  '{"Created":"2023-11-14T22:13:20Z","name":"ORDERS","subjects":["orders.\\u003e"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file","num_replicas":1,"duplicate_window":120000000000,"compression":"none","allow_direct":false,"mirror_direct":false,"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},"allow_msg_ttl":false,"metadata":{"_nats.req.level":"0"}}';
const ORDERS = defaultStreamConfig("ORDERS", { subjects: ["orders.>"], metadata: new Map([["_nats.req.level", "0"]]) });
const created = new Nanoseconds().setMilliseconds(1_700_000_000_000);

const decode = (json: string) => decodeStreamMetafile(Buffer.from(json));
const changed = (from: string, to: string) => decode(GOLDEN.replace(from, to));

test("a metafile has the bytes of nats-server's, and is read back", () => {
  expect(encodeStreamMetafile(ORDERS, created.high, created.low).toString()).toBe(GOLDEN);
  expect(GOLDEN).toHaveLength(508);
  const stored = decode(GOLDEN);
  expect(stored.config).toEqual(ORDERS);
  expect(stored).toMatchObject({ created: { seconds: 1_700_000_000, nanoseconds: 0 }, offlineReason: null });
});

test("a file of a newer server keeps what can be read, and says why the stream is offline", () => {
  expect(changed('"sealed"', '"nova":1,"sealed"')).toMatchObject({
    offlineReason: 'decoding error: json: unknown field "nova"',
    config: { name: "ORDERS", subjects: ["orders.>"] },
  });
  expect(changed('"limits"', '"nova"')).toMatchObject({
    offlineReason: 'decoding error: invalid value "nova" for field "retention"',
    config: { name: "ORDERS", retention: "limits", messagesMax: -1 },
  });
  expect(changed('"storage":"file"', '"storage":"tape"')).toMatchObject({
    offlineReason: 'decoding error: invalid value "tape" for field "storage"',
    config: { storage: "file" },
  });
  expect(changed('"consumer_limits":{}', '"consumer_limits":[1]')).toMatchObject({
    offlineReason: 'decoding error: invalid value for field "consumer_limits"',
  });
  expect(changed('"discard":"old","storage":"file"', '"storage":"tape","discard":"x"').offlineReason).toBe(
    'decoding error: invalid value "x" for field "discard"',
  );
});

test("a required API level that is too high or no number takes the stream offline", () => {
  const level = (text: string) => changed('level":"0"', `level":"${text}"`).offlineReason;
  expect(level("5")).toBeNull();
  expect(level("")).toBeNull();
  expect(level("6")).toBe("unsupported - required API level: 6, current API level: 5");
  expect(level("x")).toBe("unsupported - required API level: x, current API level: 5");
  expect(decode(GOLDEN.replace('level":"0"', 'level":"6"').replace('"sealed"', '"nova"')).offlineReason).toBe(
    'unsupported - config error: unknown field "nova"',
  );
  expect(decode(GOLDEN.replace('level":"0"', 'level":"6"').replace('"old"', "5")).offlineReason).toBe(
    'unsupported - config error: invalid value 5 for field "discard"',
  );
});

test("a file without a time of creation has none, and one that is not JSON cannot be read", () => {
  expect(decode('{"name":"S"}').created).toBeNull();
  expect(changed("2023-11-14T22:13:20Z", "0001-01-01T00:00:00Z").created).toBeNull();
  expect(() => decode("{")).toThrow("unexpected end of JSON input");
  expect(() => decode("[]")).toThrow("json");
});

test("mistakes of older servers are mended", () => {
  expect(repairStoredConfig(ORDERS)).toEqual({ config: ORDERS, warnings: [] });
  const spaced = repairStoredConfig({ ...ORDERS, subjects: [" orders.> ", "x"] });
  expect(spaced.config?.subjects).toEqual(["orders.>", "x"]);
  expect(spaced.warnings).toEqual([
    '  Detected bad subject " orders.> " while adding stream "ORDERS", will attempt to repair',
    '  Bad subject " orders.> " repaired to "orders.>"',
  ]);
  expect(repairStoredConfig({ ...ORDERS, subjects: ["a b"] }).config).toBeNull();
  const origin = { name: "O", startSequence: 0, startTime: null, filterSubject: "", subjectTransforms: [], external: null, consumer: null };
  expect(repairStoredConfig({ ...ORDERS, mirror: origin })).toMatchObject({
    config: { subjects: [], duplicateWindowNs: 0 },
    warnings: ['  Detected subjects on a mirrored stream "ORDERS", will remove'],
  });
});
