/**
 * Random conversations with our server and with nats-server 2.15.3: every connection must receive the same bytes and close for the
 * same reason. Run with SEED=… to repeat a failure, ROUNDS=… for a longer search.
 */
import { expect } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { ReferenceServer } from "../reference/reference-server.ts";
import { type Conversation, conversationText, randomConversation } from "./conversation.ts";
import { ConversationPlayer, closeReasons } from "./conversation-player.ts";
import { startOurServer } from "./our-server.ts";
import type { ServerAddress } from "./play.ts";

const it = new Recording(import.meta.path);
/** Number of conversations with a live nats-server. */
const ROUNDS = Number(process.env.ROUNDS ?? 300);
const FUZZ_TIMEOUT_MS = 120_000 + ROUNDS * 100;
/** Conversations that are recorded, so that they are compared without nats-server too. */
const RECORDED_SEED = 1;
const RECORDED_ROUNDS = 60;

it.compared(
  "fuzz: ours and the reference answer the same",
  async () => {
    const recorded = randomConversations(RECORDED_SEED, RECORDED_ROUNDS);
    const theirs = await answerOfReference(async () => played(await ReferenceServer.start(), recorded));
    compareOutcomes(comparable(await played(await startOurServer([]), recorded)), theirs, recorded, "recorded");
    if (!referenceIsLive()) return;
    const seed = seedFromEnv();
    const conversations = randomConversations(seed, ROUNDS);
    const [left, right] = await Promise.all([
      played(await startOurServer([]), conversations),
      played(await ReferenceServer.start(), conversations),
    ]);
    compareOutcomes(left, right, conversations, `SEED=${seed}`);
  },
  FUZZ_TIMEOUT_MS,
);

/** What each connection of a conversation received, and its close reason. */
type Outcome = { readonly frames: readonly string[]; readonly reason: string | undefined }[];

function randomConversations(seed: number, count: number): Conversation[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => randomConversation(random));
}

async function played(server: ServerAddress & { stop(): Promise<void> }, conversations: readonly Conversation[]): Promise<Outcome[]> {
  const player = await ConversationPlayer.open(server);
  try {
    const received = [];
    for (const conversation of conversations) received.push(await player.play(conversation));
    const reasons = await closeReasons(
      server,
      received.flatMap(round => round.map(({ clientId }) => clientId)),
    );
    return received.map(round => round.map(({ frames, clientId }) => ({ frames, reason: reasons.get(clientId) })));
  } finally {
    player.close();
    await server.stop();
  }
}

function compareOutcomes(ours: Outcome[], theirs: Outcome[], conversations: readonly Conversation[], where: string): void {
  expect(ours.length).toBe(theirs.length);
  for (const [round, outcome] of theirs.entries()) {
    expect(ours[round], `${where} round=${round}\n${conversationText(conversations[round]!)}`).toEqual(outcome);
  }
}
