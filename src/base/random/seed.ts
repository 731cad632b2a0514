/**
 * Where a test's seed comes from: the environment variable `SEED` to replay a failure, else a fresh one.
 *
 *   SEED=81923 bun test src/subject       plays that very run again
 * The test puts the seed into the message of its expectations, so that a failure names it.
 */
export function seedFromEnv(): number {
  const text = process.env.SEED;
  if (text === undefined || text === "") return (Math.random() * 2 ** 32) >>> 0;
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new Error(`SEED must be an integer, not ${JSON.stringify(text)}`);
  return seed;
}
