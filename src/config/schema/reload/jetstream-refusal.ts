/**
 * Which changes of JetStream's options a reload accepts: on and off, larger stores, `limits`, and what only the meta group reads. The fields
 * are compared in the reference's order, and it reports the first that needs a restart.
 */
import { isDeepStrictEqual } from "node:util";
import { goDuration } from "../../../base/go/duration.ts";
import { type JetStreamOptions, SYNC_INTERVAL_MS } from "../../../jetstream/config/jetstream-options.ts";
import type { ReloadChange } from "../row/option-row.ts";
import { reloadRefusal } from "./reload-refusal.ts";

const UNSUPPORTED = "config reload not supported for";

const CIPHER_TEXTS: Record<JetStreamOptions["cipher"], string> = { chacha: "ChaCha20-Poly1305", aes: "AES-GCM" };

/** A field that needs a restart: the reference's name, and the value as it prints it. */
type FixedField = readonly [goName: string, shown: (options: JetStreamOptions) => string];

const secret = (key: string) => (key === "" ? "" : "[REDACTED]"); // the reference prints it

const AFTER_STORES: readonly FixedField[] = [
  ["JetStreamDomain", ({ domain }) => domain],
  ["JetStreamExtHint", ({ extensionHint }) => extensionHint],
  ["JetStreamKey", ({ encryptionKey }) => secret(encryptionKey)],
  ["JetStreamOldKey", ({ previousEncryptionKey }) => secret(previousEncryptionKey)],
  ["JetStreamCipher", ({ cipher }) => CIPHER_TEXTS[cipher]],
  ["JetStreamUniqueTag", ({ uniqueTag }) => uniqueTag],
  ["JetStreamMaxCatchup", ({ catchupBytesMax }) => String(catchupBytesMax)],
  ["JetStreamRequestQueueLimit", ({ requestQueueMax }) => String(requestQueueMax)],
  ["JetStreamInfoQueueLimit", ({ infoQueueMax, requestQueueMax }) => String(infoQueueMax ?? requestQueueMax)],
  ["JetStreamConcurrentIOs", ({ concurrentIoMax }) => String(concurrentIoMax)],
  ["StreamMaxBufferedMsgs", ({ bufferedMessagesMax }) => String(bufferedMessagesMax)],
  ["StreamMaxBufferedSize", ({ bufferedBytesMax }) => String(bufferedBytesMax)],
  ["SyncInterval", ({ syncIntervalMs }) => goDuration((syncIntervalMs ?? SYNC_INTERVAL_MS) * 1e6)],
  ["SyncAlways", ({ syncAlways }) => String(syncAlways)],
];

/** The values of a field, which may differ although they are shown alike. */
const COMPARED: Readonly<Record<string, (options: JetStreamOptions) => unknown>> = {
  JetStreamKey: ({ encryptionKey }) => encryptionKey,
  JetStreamOldKey: ({ previousEncryptionKey }) => previousEncryptionKey,
  SyncInterval: ({ syncIntervalMs }) => syncIntervalMs,
};

/** @returns the error, or null */
export function jetStreamRefusal(before: JetStreamOptions, after: JetStreamOptions): string | null {
  if (before.strict !== after.strict) return reloadRefusal("NoJetStreamStrict", String(!before.strict), String(!after.strict));
  const stores = (["memoryBytesMax", "fileBytesMax"] as const).map(name => storeChange(before, after, name));
  const refused = stores.find(change => change !== null && change !== "unset");
  if (refused !== undefined) return refused;
  const fixed = AFTER_STORES.find(([goName, shown]) => {
    if (goName === "JetStreamConcurrentIOs" && !after.enabled) return false;
    const value = COMPARED[goName] ?? shown;
    return !isDeepStrictEqual(value(before), value(after));
  });
  if (fixed !== undefined) return reloadRefusal(fixed[0], fixed[1](before), fixed[1](after));
  return after.enabled && stores.includes("unset") ? `${UNSUPPORTED} jetstream max memory and max store` : null;
}

/** @returns `unset`: accepted only when JetStream is turned off; another text: the error; null: accepted */
function storeChange(before: JetStreamOptions, after: JetStreamOptions, name: "memoryBytesMax" | "fileBytesMax"): string | null {
  const [old, fresh] = [before[name], after[name]];
  if (!before.enabled || old === fresh) return null;
  if (fresh === null) return "unset";
  if (old === null) return `${UNSUPPORTED} jetstream dynamic max memory and store`;
  return fresh > old ? null : `${UNSUPPORTED} decreasing jetstream max memory and store`;
}

/** @returns the error, or null */
export function storeDirectoryRefusal(_before: string | null, after: string | null, change: ReloadChange): string | null {
  if (!change.before.jetStream.enabled) return null;
  if (after !== null) return `${UNSUPPORTED} jetstream storage directory`;
  return change.after.jetStream.enabled ? `${UNSUPPORTED} jetstream storage dir` : null;
}
