/**
 * Code that is asynchronous only when needed. A login for an account that is available locally completes synchronously, one whose account comes over
 * the network completes later, by the same code:
 *
 *   function* load(name): Steps<Account> { const jwt = yield* waitFor(resolver.fetch(name)); … }
 *   runSteps(load(name))   the account itself, or a promise of it
 */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** Returns the value, waiting for it if it is a promise. A rejection is thrown. */
export function* waitFor<T>(value: T | Promise<T>): Steps<T> {
  return value instanceof Promise ? ((yield value) as T) : value;
}

/** @throws what the steps throw before their first wait; later errors reject the promise */
export function runSteps<T>(steps: Steps<T>): T | Promise<T> {
  const { done, value } = steps.next();
  return done ? value : continueSteps(steps, value);
}

async function continueSteps<T>(steps: Steps<T>, first: Promise<unknown>): Promise<T> {
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
