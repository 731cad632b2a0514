/**
 * Work that waits only when it must. A login for an account that a resolver has at hand is settled at once, one whose account comes over
 * the network later, by the same code:
 *
 *   function* load(name): Steps<Account> { const jwt = yield* waitFor(resolver.fetch(name)); … }
 *   runSteps(load(name))   the account itself, or a promise of it
 */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** The value, waited for if it is not there yet. A rejection is thrown. */
export function* waitFor<T>(value: T | Promise<T>): Steps<T> {
  return value instanceof Promise ? ((yield value) as T) : value;
}

/** @throws what the steps throw before they wait for the first time; later it is a rejection */
export function runSteps<T>(steps: Steps<T>): T | Promise<T> {
  const { done, value } = steps.next();
  return done ? value : goOn(steps, value);
}

async function goOn<T>(steps: Steps<T>, first: Promise<unknown>): Promise<T> {
  let awaited = first;
  while (true) {
    const { done, value } = await awaited.then(
      result => steps.next(result),
      error => steps.throw(error),
    );
    if (done) return value;
    awaited = value;
  }
}
