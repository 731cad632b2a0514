import { expect, test } from "bun:test";
import { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { Message } from "../../store/contract/message.ts";
import { LAST_SEQUENCE, NUM_PENDING, PlaceHeader, statusHeader, UP_TO_SEQUENCE } from "./place-header.ts";

const place = new PlaceHeader("ORDERS");
const time = new Nanoseconds().setBigInt(1_700_000_000_120_000_000n);

function message(header: string): Message {
  const stored = new Message();
  const bytes = Buffer.from(`??orders.eu${header}`);
  stored.setSubject(bytes, 2, 11);
  stored.setHeader(bytes, 11, bytes.length);
  stored.sequence = 17;
  stored.timeHigh = time.high;
  stored.timeLow = time.low;
  return stored;
}

const LINES = "Nats-Stream: ORDERS\r\nNats-Subject: orders.eu\r\nNats-Sequence: 17\r\nNats-Time-Stamp: 2023-11-14T22:13:20.12Z\r\n";

test("a message without headers gets those of its place", () => {
  const target = Buffer.alloc(200);
  expect(target.toString("latin1", 5, place.end(target, place.write(target, 5, message(""))))).toBe(`NATS/1.0\r\n${LINES}\r\n`);
});

test("stored headers come first, and numbers follow", () => {
  const target = Buffer.alloc(300);
  let end = place.write(target, 0, message("NATS/1.0\r\nNats-Stream: OTHER\r\n\r\n"));
  end = place.writeNumber(target, end, NUM_PENDING, 0);
  end = place.end(target, place.writeNumber(target, end, LAST_SEQUENCE, 2 ** 53 - 1));
  expect(target.toString("latin1", 0, end)).toBe(
    `NATS/1.0\r\nNats-Stream: OTHER\r\n${LINES}Nats-Num-Pending: 0\r\nNats-Last-Sequence: 9007199254740991\r\n\r\n`,
  );
});

test("the headers are never longer than stated, also with a long stored value", () => {
  const stored = message(`NATS/1.0\r\nA: ${"x".repeat(500)}\r\n\r\n`);
  stored.sequence = 2 ** 53 - 1;
  stored.timeLow++;
  const target = Buffer.alloc(2_000);
  const end = place.end(target, place.writeNumber(target, place.write(target, 0, stored), NUM_PENDING, 2 ** 53 - 1));
  const most = place.bytesMax(stored, [NUM_PENDING]);
  expect(end).toBeLessThanOrEqual(most);
  expect(most - end).toBeLessThan(20);
});

test("a status has its numbers and no content", () => {
  expect(statusHeader("404 Message Not Found").toString()).toBe("NATS/1.0 404 Message Not Found\r\n\r\n");
  const numbers = [
    [NUM_PENDING, 3],
    [LAST_SEQUENCE, 7],
    [UP_TO_SEQUENCE, 9],
  ] as const;
  expect(statusHeader("204 EOB", numbers).toString()).toBe(
    "NATS/1.0 204 EOB\r\nNats-Num-Pending: 3\r\nNats-Last-Sequence: 7\r\nNats-UpTo-Sequence: 9\r\n\r\n",
  );
});
