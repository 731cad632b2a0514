import { expect, test } from "bun:test";
import { clockOf, connectTimes, zoneFault } from "./connect-times.ts";

const range = (start: string, end: string) => ({ start, end });
const DAY = [range("09:00:00", "17:00:00")];
const NIGHT = [range("22:00:00", "06:00:00")];
const at = (text: string) => Date.parse(text);

test("without ranges a user may connect at any time", () => {
  expect(connectTimes([], "Nowhere/City", 0)).toEqual({ allowed: true, endsAtMs: null });
});

test("both ends of a range are exclusive", () => {
  const [before, start, after, last, end] = ["08:59:59.999", "09:00:00.000", "09:00:00.001", "16:59:59.999", "17:00:00.000"].map(clock =>
    at(`2025-03-05T${clock}Z`),
  );
  for (const now of [before, start, end]) expect(connectTimes(DAY, "UTC", now)).toEqual({ allowed: false, endsAtMs: null });
  for (const now of [after, last]) expect(connectTimes(DAY, "UTC", now)).toEqual({ allowed: true, endsAtMs: end });
});

test("a range over midnight ends in the morning, on either day", () => {
  expect(connectTimes(NIGHT, "UTC", at("2025-03-05T23:30:00Z"))).toEqual({ allowed: true, endsAtMs: at("2025-03-06T06:00:00Z") });
  expect(connectTimes(NIGHT, "UTC", at("2025-03-06T05:00:00Z"))).toEqual({ allowed: true, endsAtMs: at("2025-03-06T06:00:00Z") });
  expect(connectTimes(NIGHT, "UTC", at("2025-03-06T12:00:00Z")).allowed).toBe(false);
});

test("of several matching ranges the one that ends last applies", () => {
  const now = at("2025-03-05T10:00:00Z");
  expect(connectTimes([range("09:00:00", "11:00:00"), ...DAY, range("01:00:00", "02:00:00")], "UTC", now).endsAtMs).toBe(
    at("2025-03-05T17:00:00Z"),
  );
});

test("ranges follow the time zone through clock changes", () => {
  expect(connectTimes(DAY, "America/New_York", at("2025-07-01T13:30:00Z"))).toEqual({
    allowed: true,
    endsAtMs: at("2025-07-01T21:00:00Z"),
  });
  expect(connectTimes(DAY, "America/New_York", at("2025-07-01T12:30:00Z")).allowed).toBe(false);
  expect(connectTimes(DAY, "Asia/Kolkata", at("2025-07-01T04:00:00Z"))).toEqual({ allowed: true, endsAtMs: at("2025-07-01T11:30:00Z") });
  // In March the clock is set from 2:00 to 3:00, in October from 3:00 to 2:00. Go computes the same ends.
  expect(connectTimes(NIGHT, "Europe/Berlin", at("2025-03-29T22:00:00Z")).endsAtMs).toBe(at("2025-03-30T04:00:00Z"));
  expect(connectTimes(NIGHT, "Europe/Berlin", at("2025-10-25T21:00:00Z")).endsAtMs).toBe(at("2025-10-26T05:00:00Z"));
});

test("an invalid range or time zone refuses every connection", () => {
  const now = at("2025-03-05T10:00:00Z");
  for (const wrong of ["", "9", "09:00", "24:00:00", "09:60:00", "09:00:60", "9:0:00", "09:00:00Z", " 09:00:00"]) {
    expect(connectTimes([...DAY, range(wrong, "17:00:00")], "UTC", now).allowed, wrong).toBe(false);
    expect(clockOf(wrong), wrong).toBe(null);
  }
  expect(connectTimes(DAY, "Nowhere/City", now).allowed).toBe(false);
  expect([clockOf("9:00:00"), clockOf("23:59:59.5"), clockOf("00:00:01,25")]).toEqual([32_400_000, 86_399_000, 1_000]);
});

test("time zones are IANA names; error texts are Go's", () => {
  expect(["UTC", "Local", "Europe/Berlin", "US/Pacific", "Asia/Calcutta"].map(zoneFault)).toEqual([null, null, null, null, null]);
  expect(["Nowhere/City", "europe/berlin", "+02:00", "../x", "/etc/localtime"].map(zoneFault)).toEqual([
    "unknown time zone Nowhere/City",
    "unknown time zone europe/berlin",
    "unknown time zone +02:00",
    "time: invalid location name",
    "time: invalid location name",
  ]);
});
