/**
 * A message from the publisher's socket to the subscriber's, without the kernel: read, matched, checked, encoded. 1,000 subjects in turn, with and
 * without permissions of both clients.
 *
 *   bun run bench/micro/publishing.ts              BENCH_SHORT=1: a run of seconds
 */

import type { PermissionOptions } from "../../src/access/permission/permission-options.ts";
import { Permissions } from "../../src/access/permission/permissions.ts";
import { PLAIN_LOGIN } from "../../src/auth/users/authenticator.ts";
import { bind } from "../../src/connections/client/binding.ts";
import { FakeHost } from "../../test/doubles/fake-host.ts";
import { Measurement } from "./measurement/measurement.ts";

const MESSAGES = 12_000;
const SUBJECTS = 1_000;
const measurement = new Measurement();

const PUBLISHER: PermissionOptions = {
  publish: { allow: ["bench", "bench.>", "plant.*.readings.>"], deny: ["bench.*.audit", "plant.*.readings.raw.>"] },
  subscribe: null,
  responses: null,
};
const SUBSCRIBER: PermissionOptions = {
  publish: null,
  subscribe: { allow: ["bench", "bench.>"], deny: ["bench.secret", "admin.>"] },
  responses: null,
};

function publishing(name: string, permissions: { publisher: PermissionOptions; subscriber: PermissionOptions } | null): void {
  const host = new FakeHost({}, Number.POSITIVE_INFINITY);
  const [publisher, subscriber] = [host.connect(), host.connect()];
  for (const { transport } of [publisher, subscriber]) transport.write = (_source, _offset, length) => length;
  if (permissions !== null) {
    const login = { ...PLAIN_LOGIN, account: host.globalAccount };
    const compile = (options: PermissionOptions) => Permissions.compile(options, host.turn.random);
    bind(publisher.client, { ...login, permissions: compile(permissions.publisher) });
    bind(subscriber.client, { ...login, permissions: compile(permissions.subscriber) });
  }
  subscriber.send("SUB bench.* 1\r\n");
  const lines = Array.from({ length: MESSAGES }, (_, index) => `PUB bench.${index % SUBJECTS} 16\r\n0123456789abcdef\r\n`);
  const chunk = Buffer.from(lines.join(""));
  measurement.add(name, MESSAGES, () => {
    publisher.client.onData(chunk);
    host.turn.end();
  });
}

// One per process: in one, they would share what the engine compiled for both.
if (process.argv[2] === "plain") publishing("without permissions", null);
else publishing("with permissions", { publisher: PUBLISHER, subscriber: SUBSCRIBER });

await measurement.run();
