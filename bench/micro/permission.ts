/**
 * The cost of a permission check per message: few and many patterns, one subject and many in rotation; for publishing, for delivery
 * with a deny list, and for replies.
 *
 *   bun run bench/micro/permission.ts              BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { ClientPermissions } from "../../src/access/permission/client-permissions.ts";
import type { PermissionOptions } from "../../src/access/permission/permission-options.ts";
import { Permissions } from "../../src/access/permission/permissions.ts";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { Random } from "../../src/base/random/random.ts";
import { Measurement } from "./measurement/measurement.ts";

const TIMES = 1_000;
const measurement = new Measurement();
const random = new Random(1);

/** Subjects back to back, as a read buffer holds them. */
class Subjects {
  private readonly bytes: Uint8Array;
  private readonly starts: number[] = [0];
  private at = 0;

  constructor(subjects: string[]) {
    this.bytes = Buffer.from(subjects.join(""));
    for (const subject of subjects) this.starts.push(this.starts[this.starts.length - 1] + subject.length);
  }

  count(check: (source: Uint8Array, start: number, end: number) => boolean): number {
    let yes = 0;
    for (let time = 0; time < TIMES; time++) {
      if (check(this.bytes, this.starts[this.at], this.starts[this.at + 1])) yes++;
      this.at = this.at + 2 < this.starts.length ? this.at + 1 : 0;
    }
    return yes;
  }
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const clientOf = (options: Partial<PermissionOptions>) =>
  new ClientPermissions(Permissions.compile({ publish: null, subscribe: null, responses: null, ...options }, random), SYSTEM_CLOCK, random);

function publishing(name: string, allow: string[], subjects: string[], deny: string[] | null = null): void {
  const client = clientOf({ publish: { allow, deny } });
  const published = new Subjects(subjects);
  measurement.add(`publish: ${name}`, TIMES, () =>
    do_not_optimize(published.count((source, start, end) => client.mayPublish(source, start, end))),
  );
}

const thousand = numbered("orders.eu.", 1_000);
publishing("allow orders.>, one subject", ["orders.>"], ["orders.eu.1"]);
publishing("allow orders.>, 1,000 subjects in rotation", ["orders.>"], thousand);
publishing("allow orders.*.*, deny orders.*.secret, 1,000 subjects", ["orders.*.*"], thousand, ["orders.*.secret"]);
publishing("8 patterns, the last one covers, 1,000 subjects", [...numbered("orders.us.", 7), "orders.>"], thousand);
publishing("1,000 patterns, one subject", thousand, ["orders.eu.500"]);
publishing("1,000 patterns, 100 subjects in rotation", thousand, thousand.slice(0, 100));
publishing("1,000 patterns, 1,000 subjects in rotation", thousand, thousand);

function delivering(name: string, deny: string[], subjects: string[]): void {
  const filter = clientOf({ subscribe: { allow: null, deny } }).filterOf(Buffer.from("orders.>"), null)!;
  const delivered = new Subjects(subjects);
  measurement.add(`deliver: ${name}`, TIMES, () =>
    do_not_optimize(delivered.count((source, start, end) => filter.allows(source, start, end))),
  );
}

delivering("deny orders.*.secret, 1,000 subjects", ["orders.*.secret"], thousand);
delivering("1,000 patterns, one subject", numbered("orders.us.", 1_000), ["orders.eu.1"]);

const service = clientOf({ responses: { messagesMax: 1, expiresMs: 120_000 } });
const inboxes = new Subjects(numbered("_INBOX.f0Cpq2Gs1XWjHdN3.", 1_000));
measurement.add("reply: tracked and answered", TIMES, () =>
  do_not_optimize(
    inboxes.count((source, start, end) => {
      service.trackReply(source, start, end);
      return service.mayPublish(source, start, end);
    }),
  ),
);

await measurement.run();
