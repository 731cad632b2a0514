/** The tables of steps by name: the process under Node gets a name. */
import { KV_STEPS } from "./kv-steps.ts";
import { PUBLISH_STEPS } from "./publish-steps.ts";
import type { Step } from "./step.ts";
import { streamSteps } from "./stream-steps.ts";

export const TABLES = {
  "streams in files": streamSteps("file"),
  "streams in memory": streamSteps("memory"),
  "publishing and direct gets": PUBLISH_STEPS,
  "key-value buckets": KV_STEPS,
} satisfies Readonly<Record<string, readonly Step[]>>;

export type TableName = keyof typeof TABLES;
