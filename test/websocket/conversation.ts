/**
 * A conversation over a WebSocket through `@nats-io/nats-core`. The code runs anywhere:
 * under Bun, under Node, or in a browser's page.
 */
import { headers, type NatsConnection, wsconnect } from "@nats-io/nats-core";

const REQUEST_TIMEOUT_MS = 60_000;

export interface ConversationOptions {
  /** `ws://host:port` */
  readonly url: string;
  readonly user?: string;
  readonly pass?: string;
}

/** Runs the conversation. @returns the results, which equal `EXPECTED` when everything works */
export async function converse({ url, ...credentials }: ConversationOptions): Promise<Record<string, unknown>> {
  const options = { servers: url, reconnect: false, ...credentials };
  const [service, client] = await Promise.all([wsconnect(options), wsconnect(options)]);
  try {
    return {
      request: await request(service, client),
      order: await order(service, client),
      payload: await largePayload(client),
      headers: await withHeaders(service, client),
      noResponders: await noResponders(client),
    };
  } finally {
    await Promise.all([service.close(), client.close()]);
  }
}

/** What `converse` returns when everything works. */
export const EXPECTED = { request: "42", order: 5_000, payload: true, headers: ["first", "second"], noResponders: true };

async function request(service: NatsConnection, client: NatsConnection): Promise<string> {
  service.subscribe("double", { callback: (_error, message) => void message.respond(`${Number(message.string()) * 2}`) });
  await service.flush();
  return (await client.request("double", "21", { timeout: REQUEST_TIMEOUT_MS })).string();
}

/** Publishes many messages. @returns how many arrive in order */
async function order(publisher: NatsConnection, listener: NatsConnection): Promise<number> {
  let next = 0;
  const subscription = listener.subscribe("orders.*", {
    callback: (_error, message) => {
      if (message.string() === `order ${next}`) next++;
    },
  });
  await listener.flush();
  for (let index = 0; index < EXPECTED.order; index++) publisher.publish(`orders.${index % 7}`, `order ${index}`);
  await publisher.flush();
  await listener.flush();
  subscription.unsubscribe();
  return next;
}

/** Publishes half a megabyte that does not compress. @returns whether it arrives unchanged */
async function largePayload(client: NatsConnection): Promise<boolean> {
  const payload = new Uint8Array(512 * 1024);
  for (let at = 0, state = 1; at < payload.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    payload[at] = state >>> 24;
  }
  const subscription = client.subscribe("large");
  client.publish("large", payload);
  for await (const message of subscription) {
    return message.data.length === payload.length && message.data.every((byte, index) => byte === payload[index]);
  }
  return false;
}

async function withHeaders(publisher: NatsConnection, listener: NatsConnection): Promise<string[]> {
  const subscription = listener.subscribe("with.headers", { max: 1 });
  await listener.flush();
  const sent = headers();
  for (const value of EXPECTED.headers) sent.append("Trace", value);
  publisher.publish("with.headers", "x".repeat(5_000), { headers: sent });
  for await (const message of subscription) return message.headers!.values("Trace");
  return [];
}

async function noResponders(client: NatsConnection): Promise<boolean> {
  try {
    await client.request("unserved", "", { timeout: REQUEST_TIMEOUT_MS });
    return false;
  } catch (error) {
    return String(error).includes("no responders");
  }
}
