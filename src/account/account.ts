import type { Subscription } from "../delivery/subscription.ts";
import type { Random } from "../random/random.ts";
import { SubjectTrie } from "../subject/subject-trie.ts";

/** `$G`: where clients live that name no account. */
export const GLOBAL_ACCOUNT = "$G";
/** The system account's name when none is configured. */
export const SYSTEM_ACCOUNT = "$SYS";

/** What passed through an account or a server. Messages and bytes (headers and payload, no protocol lines). */
export class TrafficCounters {
  inMessages = 0;
  inBytes = 0;
  outMessages = 0;
  outBytes = 0;
}

/** An isolated space of subjects: its own interest, its own counters. */
export class Account {
  readonly name: string;
  readonly interest: SubjectTrie<Subscription>;
  readonly traffic = new TrafficCounters();
  /** Client connections bound to it. */
  connections = 0;
  slowConsumers = 0;

  constructor(name: string, cache: boolean, random: Random) {
    this.name = name;
    this.interest = new SubjectTrie<Subscription>({ cache, random, schedule: setImmediate });
  }
}
