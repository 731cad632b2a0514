import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { TestServer } from "../../../test/faults/test-server.ts";
import { Random } from "../../base/random/random.ts";
import { LocalPublisher } from "../fanout/local-publisher.ts";
import { LocalSubscriber } from "./local-subscriber.ts";
import type { Subscription } from "./subscription.ts";

const ROUNDS = 200;
const SUBJECTS = ["a", "b", "c", "d"];

/** What a callback does with a message that has hops left. */
interface Behaviour {
  readonly id: number;
  readonly subject: string;
  readonly publishesTo: readonly string[];
  /** Index of the subscription that it ends when it gets a message; -1: none. */
  readonly ends: number;
  readonly deliveredMax: number;
}

function randomBehaviours(random: Random): Behaviour[] {
  const subject = () => SUBJECTS[random.below(SUBJECTS.length)]!;
  return Array.from({ length: 1 + random.below(8) }, (_, id) => ({
    id,
    subject: subject(),
    publishesTo: Array.from({ length: random.below(3) }, subject),
    ends: random.below(4) === 0 ? random.below(8) : -1,
    deliveredMax: random.below(3) === 0 ? 1 + random.below(4) : 0,
  }));
}

/** The calls according to a simple model, with lists and recursion. */
function expectedCalls(behaviours: readonly Behaviour[], first: string, hops: number): string[] {
  const calls: string[] = [];
  const live = behaviours.map(behaviour => ({ ...behaviour, delivered: 0, ended: false }));
  const publish = (subject: string, left: number, from: number): void => {
    const receivers = live.filter(one => one.subject === subject && !one.ended);
    for (const one of receivers) {
      if (one.ended) continue;
      if (++one.delivered === one.deliveredMax) one.ended = true;
      calls.push(`${one.id} gets ${subject} ${left} of ${from}`);
      const victim = live[one.ends];
      if (victim !== undefined) victim.ended = true;
      if (left > 0) for (const target of one.publishesTo) publish(target, left - 1, one.id);
      calls.push(`${one.id} still has ${subject} ${left} of ${from}`);
    }
  };
  publish(first, hops, -1);
  return calls;
}

test("fuzz: callbacks that publish and unsubscribe each other see the same as in a recursive model", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  await using server = TestServer.open();
  for (let round = 0; round < ROUNDS; round++) {
    const behaviours = randomBehaviours(random);
    const calls: string[] = [];
    const subscriber = new LocalSubscriber(server.globalAccount, error => calls.push(String(error)));
    const publisher = new LocalPublisher(server.globalAccount, server);
    const subscriptions: Subscription[] = [];
    for (const { id, subject, publishesTo, ends, deliveredMax } of behaviours) {
      const subscription = subscriber.subscribe(
        subject,
        null,
        (batch, index) => {
          const seen = () => `${batch.subjectText(index)} ${batch.payload(index)} of ${batch.replyText(index)}`;
          calls.push(`${id} gets ${seen()}`);
          const left = Number(batch.payload(index));
          if (subscriptions[ends] !== undefined) subscriber.unsubscribe(subscriptions[ends]);
          if (left > 0) for (const target of publishesTo) publisher.publish(target, `${id}`, null, `${left - 1}`);
          calls.push(`${id} still has ${seen()}`); // also after nested publishing
        },
        deliveredMax,
      );
      subscriptions.push(subscription!);
    }
    const first = SUBJECTS[random.below(SUBJECTS.length)]!;
    const hops = random.below(5);
    publisher.publish(first, "-1", null, `${hops}`);
    expect(calls, `SEED=${seed} round=${round}`).toEqual(expectedCalls(behaviours, first, hops));
    subscriber.close();
  }
  expect(server.leftovers()).toMatchObject({ subscriptions: 0, chunks: 0 });
});
