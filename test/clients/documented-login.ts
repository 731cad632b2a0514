/**
 * One login by the official client library, with its outcome as a line of text. Bun and Node both run this file, so it uses
 * nothing that only one of them has.
 */
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  jwtAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from "@nats-io/transport-node";

/** Credentials of a client, as texts that can be passed to another process. */
export interface Credentials {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Seed of an nkey. */
  readonly nkey?: string;
  /** Text of a credentials file. */
  readonly creds?: string;
  /** A user JWT, with `seed` unless it is a bearer token. */
  readonly jwt?: string;
  readonly seed?: string;
  readonly tls?: { readonly caFile: string; readonly certFile?: string; readonly keyFile?: string };
}

export interface Attempt {
  readonly url: string;
  readonly as: Credentials;
  /** Subject that it publishes to after the login. */
  readonly publishes: string;
}

/** Errors of a server that refuses a login or a publish. */
const REFUSALS = /Authorization Violation|maximum account active connections exceeded|Permissions Violation for Publish to "[^"]*"/i;

const NOTHING = "no connection";

/** The server's error inside a client's error text. Texts of failed handshakes differ by library: those are "no connection". */
export function refusalIn(text: string): string {
  return REFUSALS.exec(text)?.[0].toLowerCase() ?? NOTHING;
}

const TRIES_MAX = 40;

/** Repeats a login that ended without an error of the server: a reset of the connection can discard it. */
export async function repeatUntilOutcome(login: () => Promise<string>): Promise<string> {
  let outcome = NOTHING;
  for (let tries = 0; tries < TRIES_MAX && outcome === NOTHING; tries++) outcome = await login();
  return outcome;
}

/** @returns "accepted", or the refusal */
export function outcomeOf(attempt: Attempt): Promise<string> {
  return repeatUntilOutcome(() => loginOnce(attempt));
}

async function loginOnce({ url, as, publishes }: Attempt): Promise<string> {
  let client: NatsConnection;
  try {
    client = await connect({ servers: url, reconnect: false, timeout: 60_000, ...optionsOf(as) });
  } catch (error) {
    return refusalIn(String((error as Error).message));
  }
  const errors: string[] = [];
  const collected = collectErrors(client, errors);
  client.publish(publishes, "hello");
  await client.flush(); // an error of the server comes before its PONG
  await client.close();
  await collected;
  return errors.length === 0 ? "accepted" : refusalIn(errors.join());
}

async function collectErrors(client: NatsConnection, errors: string[]): Promise<void> {
  for await (const status of client.status()) if (status.type === "error") errors.push(String(status.error.message));
}

function optionsOf({ user, password, token, nkey, creds, jwt, seed, tls }: Credentials): ConnectionOptions {
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (creds !== undefined) return { authenticator: credsAuthenticator(bytes(creds)) };
  if (jwt !== undefined) return { authenticator: jwtAuthenticator(jwt, seed === undefined ? undefined : bytes(seed)) };
  if (nkey !== undefined) return { authenticator: nkeyAuthenticator(bytes(nkey)) };
  return { ...(user !== undefined && { user, pass: password ?? "" }), ...(token !== undefined && { token }), ...(tls && { tls }) };
}
