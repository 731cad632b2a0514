/**
 * Random conversations with our server and with nats-server 2.15.2: every connection must receive the same bytes and close for the
 * same reason. Run with SEED=… to repeat a failure, ROUNDS=… for a longer search.
 */
import { expect, test } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../../src/base/random/seed.ts";
import { findReference, ReferenceServer, referenceIsRequired } from "../reference/reference-server.ts";
import { conversationText, randomConversation } from "./conversation.ts";
import { ConversationPlayer, closeReasons, type Received } from "./conversation-player.ts";
import { startOurServer } from "./our-server.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 300);
const FUZZ_TIMEOUT_MS = 20_000 + ROUNDS * 100;

const reference = findReference();
const skipped = reference.path === null && !referenceIsRequired();

test.skipIf(skipped)(
  `fuzz: ours and the reference answer the same${skipped ? ` (skipped: ${reference.missing})` : ""}`,
  async () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const ourServer = await startOurServer([]);
    const referenceServer = await ReferenceServer.start();
    const ours = await ConversationPlayer.open(ourServer);
    const theirs = await ConversationPlayer.open(referenceServer);
    try {
      const played: { ours: Received[]; theirs: Received[]; text: string }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const conversation = randomConversation(random);
        const text = `SEED=${seed} round=${round}\n${conversationText(conversation)}`;
        const [left, right] = await Promise.all([ours.play(conversation), theirs.play(conversation)]);
        expect(
          left.map(received => received.frames),
          text,
        ).toEqual(right.map(received => received.frames));
        played.push({ ours: left, theirs: right, text });
      }
      const ids = (side: "ours" | "theirs") => played.flatMap(round => round[side].map(received => received.clientId));
      const [left, right] = await Promise.all([closeReasons(ourServer, ids("ours")), closeReasons(referenceServer, ids("theirs"))]);
      for (const round of played) {
        const reasons = (received: Received[], of: Map<number, string>) => received.map(({ clientId }) => of.get(clientId));
        expect(reasons(round.ours, left), round.text).toEqual(reasons(round.theirs, right));
      }
    } finally {
      ours.close();
      theirs.close();
      await Promise.all([ourServer.stop(), referenceServer.stop()]);
    }
  },
  FUZZ_TIMEOUT_MS,
);
