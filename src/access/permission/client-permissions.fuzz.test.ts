import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { PermissionModel } from "../../../test/doubles/permission-model.ts";
import { randomLiteral, randomPattern, randomPermissions, randomQueue } from "../../../test/doubles/random-permissions.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { ClientPermissions } from "./client-permissions.ts";
import { Permissions } from "./permissions.ts";

/** Compares the classes with a model that holds lists of strings: both must decide alike, in any order of calls. */
const encoded = (text: string) => Buffer.from(text);

/** The subject inside other bytes, as in a read buffer. */
function around(subject: string): [Uint8Array, number, number] {
  const bytes = encoded(`PUB ${subject} x`);
  return [bytes, 4, bytes.length - 2];
}

function randomSubject(random: Random): string {
  if (random.chance(0.05)) return random.pick(["", ".", "a.", ".a", "a..b", "orders..>", "a.b."]);
  if (random.chance(0.03)) return `a.b.c.${"x".repeat(random.between(200, 300))}`;
  return random.chance(0.3) ? randomPattern(random) : randomLiteral(random);
}

test("fuzz: decisions on publishing, subscribing, delivery and replies equal those of a model with lists of strings", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 150; run++) {
    const clock = new FakeClock();
    let options = randomPermissions(random);
    const model = new PermissionModel(options, () => clock.monotonic());
    const client = new ClientPermissions(Permissions.compile(options, random), clock, random);
    for (let round = 0; round < 300; round++) {
      const message = `SEED=${seed} run=${run} round=${round} ${JSON.stringify(options)}`;
      const subject = randomSubject(random);
      const queue = random.chance(0.5) ? randomQueue(random) : null;
      const queueBytes = queue === null ? null : encoded(queue);
      const action = random.below(100);
      if (action < 35) {
        expect(client.mayPublish(...around(subject)), `${message} PUB ${subject}`).toBe(model.mayPublish(subject));
      } else if (action < 65) {
        expect(client.maySubscribe(encoded(subject), queueBytes), `${message} SUB ${subject} ${queue}`).toBe(
          model.maySubscribe(subject, queue),
        );
      } else if (action < 80) {
        if (subject.split(".").includes("")) continue; // not a valid subject of a subscription
        const filter = client.filterOf(encoded(subject), queueBytes);
        for (let tries = 0; tries < 20; tries++) {
          const published = randomSubject(random);
          // A message reaches only subscriptions that match its subject.
          if (
            !new PermissionModel({ publish: { allow: [subject], deny: null }, subscribe: null, responses: null }, () => 0).mayPublish(
              published,
            )
          )
            continue;
          const size = encoded(published).length;
          const mayBeDenied = filter !== null && size >= filter.sizeMin && size <= filter.sizeMax;
          const differs = mayBeDenied && filter.byteAt !== -1 && encoded(published)[filter.byteAt] !== filter.byteThere;
          const delivered = !mayBeDenied || differs || filter.allows(...around(published));
          expect(delivered, `${message} SUB ${subject} ${queue} MSG ${published}`).toBe(model.isDelivered(published, queue));
        }
      } else if (action < 96) {
        const reply = random.chance(0.7) ? `_INBOX.${random.below(6)}` : subject;
        if (reply === "") continue;
        client.trackReply(...around(reply));
        model.trackReply(reply);
        for (let answers = random.below(3); answers > 0; answers--) {
          expect(client.mayPublish(...around(reply)), `${message} answer ${reply}`).toBe(model.mayPublish(reply));
        }
      } else if (action < 98) {
        clock.advance(random.pick([1, 999, 30_000, 60_000, 120_000]));
      } else {
        options = random.chance(0.5) ? { ...randomPermissions(random), responses: options.responses } : randomPermissions(random);
        client.follow(Permissions.compile(options, random));
        model.follow(options);
      }
    }
  }
});
