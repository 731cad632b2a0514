/**
 * The seed of a test: the environment variable `SEED` to replay a failure, otherwise a new one.
 *
 *   SEED=81923 bun test src/messaging/subject       replays that run
 * Tests put the seed into the messages of their expectations, so that a failure names it.
 */
export function seedFromEnv(): number {
  const text = process.env.SEED;
  if (text === undefined || text === "") return (Math.random() * 2 ** 32) >>> 0;
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new Error(`SEED must be an integer, not ${JSON.stringify(text)}`);
  return seed;
}
