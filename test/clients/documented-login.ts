/**
 * One login by the project's client library, told in a line. The same under Bun and under Node, so nothing here is of either; run by Node
 * it takes its attempts from its last argument, and prints what came of them.
 */
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  jwtAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from "@nats-io/transport-node";

/** What a client has to show; texts, so that they can be handed to another process. */
export interface Credentials {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Seed of an nkey. */
  readonly nkey?: string;
  /** Text of a credentials file. */
  readonly creds?: string;
  /** A user JWT, with `seed` unless it is a bearer's. */
  readonly jwt?: string;
  readonly seed?: string;
  readonly tls?: { readonly caFile: string; readonly certFile?: string; readonly keyFile?: string };
}

export interface Attempt {
  readonly url: string;
  readonly as: Credentials;
  /** What it publishes when it is in. */
  readonly publishes: string;
}

/** What a server says to a client that is not let in, or may not publish. */
const REFUSALS = /Authorization Violation|maximum account active connections exceeded|Permissions Violation for Publish to "[^"]*"/i;

const NOTHING = "no connection";

/** The refusal in what a client says, without what it says around it. Failures of a handshake have other words in every library. */
export function refusalIn(text: string): string {
  return REFUSALS.exec(text)?.[0].toLowerCase() ?? NOTHING;
}

const TRIES_MAX = 40;

/** A reset can overtake what a server says before it closes; who heard nothing asks again. */
export async function firstWords(ask: () => Promise<string>): Promise<string> {
  let outcome = NOTHING;
  for (let tries = 0; tries < TRIES_MAX && outcome === NOTHING; tries++) outcome = await ask();
  return outcome;
}

/** @returns "in", or why not */
export function outcomeOf(attempt: Attempt): Promise<string> {
  return firstWords(() => login(attempt));
}

async function login({ url, as, publishes }: Attempt): Promise<string> {
  let client: NatsConnection;
  try {
    client = await connect({ servers: url, reconnect: false, timeout: 5_000, ...optionsOf(as) });
  } catch (error) {
    return refusalIn(String((error as Error).message));
  }
  const errors: string[] = [];
  const listening = listen(client, errors);
  client.publish(publishes, "hello");
  await client.flush(); // whatever the server has against it comes before the answer
  await client.close();
  await listening;
  return errors.length === 0 ? "in" : refusalIn(errors.join());
}

async function listen(client: NatsConnection, errors: string[]): Promise<void> {
  for await (const status of client.status()) if (status.type === "error") errors.push(String(status.error.message));
}

function optionsOf({ user, password, token, nkey, creds, jwt, seed, tls }: Credentials): ConnectionOptions {
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (creds !== undefined) return { authenticator: credsAuthenticator(bytes(creds)) };
  if (jwt !== undefined) return { authenticator: jwtAuthenticator(jwt, seed === undefined ? undefined : bytes(seed)) };
  if (nkey !== undefined) return { authenticator: nkeyAuthenticator(bytes(nkey)) };
  return { ...(user !== undefined && { user, pass: password ?? "" }), ...(token !== undefined && { token }), ...(tls && { tls }) };
}
