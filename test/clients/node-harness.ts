/** Node's side of harness.ts: it keeps the conversations, and runs the one that the parent process names. */
import { connect } from "@nats-io/transport-node";
import { type Conversation, converse } from "./conversation.ts";
import type { ChildMessage, ParentMessage } from "./harness.ts";

const conversations = new Map<string, Conversation>();
let onRestarted: (() => void) | null = null;

export function test(title: string, _options: object, conversation: Conversation): void {
  conversations.set(title, conversation);
}

process.on("message", (message: ParentMessage) => {
  if ("restarted" in message) onRestarted?.();
  else run(message.run, message.url);
});
process.on("disconnect", () => process.exit());

async function run(title: string, url: string): Promise<void> {
  try {
    await converse(conversations.get(title)!, { url, restart }, connect);
    send({ ended: title, error: null });
  } catch (error) {
    send({ ended: title, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function restart(): Promise<void> {
  return new Promise(resolve => {
    onRestarted = resolve; // Node 20 has no Promise.withResolvers
    send({ restart: true });
  });
}

function send(message: ChildMessage): void {
  process.send!(message);
}
