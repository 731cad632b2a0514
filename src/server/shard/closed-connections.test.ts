import { expect, test } from "bun:test";
import type { ConnectionRecord } from "../../connections/client/connection-record.ts";
import { ClosedConnections } from "./closed-connections.ts";

const record = (id: number) => ({ id }) as ConnectionRecord;

function idsAfter(limit: number, count: number): number[] {
  const closed = new ClosedConnections(limit);
  for (let id = 1; id <= count; id++) closed.add(record(id));
  expect(closed.total).toBe(count);
  return closed.all().map(({ id }) => id);
}

test("the last max_closed_clients closed connections are kept; the oldest are dropped first", () => {
  expect(idsAfter(3, 0)).toEqual([]);
  expect(idsAfter(3, 2)).toEqual([1, 2]);
  expect(idsAfter(3, 3)).toEqual([1, 2, 3]);
  expect(idsAfter(3, 4)).toEqual([2, 3, 4]);
  expect(idsAfter(3, 8)).toEqual([6, 7, 8]);
});

test("a negative max_closed_clients keeps no closed connection", () => {
  expect(idsAfter(-1, 5)).toEqual([]);
});
