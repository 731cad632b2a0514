import { encode, quote } from "../../base/bytes/ascii.ts";
import type { Random } from "../../base/random/random.ts";
import { Pattern } from "./pattern.ts";
import { PatternSet } from "./pattern-set.ts";
import { type PermissionOptions, RESPONSE_DEFAULTS, type ResponsePermission, type SubjectPermissions } from "./permission-options.ts";
import { QueueEntry, QueueEntrySet, QueueVerdict } from "./queue-entry.ts";
import { isValidEntrySubject, joinSubjectQueue, splitSubjectQueue } from "./subject-queue.ts";

/**
 * A user's permissions, compiled from its options. Immutable, and shared by all connections with these options; the
 * state of one connection (cached decisions, tracked replies) is in `ClientPermissions`.
 *
 *                 allow                                      deny
 *   publish       null: everything; [ ]: nothing             takes precedence over allow
 *   subscribe     null or [ ]: everything                    takes precedence over allow
 *
 *   a queue subscription, by an allow list: when entries for the subject name queues, one of them must name this queue, and plain
 *     entries are ignored; else a plain entry allows every queue
 *   by a deny list: a plain entry denies every queue, an entry with a queue only that queue
 * `responses` turns "publish: everything" into "publish: nothing".
 * An invalid entry is skipped and named in `problems`; an allow list that becomes empty this way allows nothing.
 */
export class Permissions {
  readonly options: PermissionOptions;
  /** Skipped entries, in the reference's words. For the log; configurations with such entries are refused earlier. */
  readonly problems: readonly string[];
  /** null: every subject may be published. */
  readonly publish: PublishRule | null;
  readonly subscribeAllow: SubscribeList | null;
  readonly subscribeDeny: SubscribeList | null;
  readonly responses: ResponsePermission | null;
  /** The lists in force, entries in the order of the options. */
  readonly lists: PermissionLists;

  private constructor(options: PermissionOptions, random: Random) {
    const problems: string[] = [];
    const { publish, subscribe, responses } = options;
    const publishAllow = publish?.allow ?? (responses === null ? null : []);
    const publishDeny = listOrNull(publish?.deny);
    this.options = options;
    this.problems = problems;
    this.responses = responses === null ? null : withDefaults(responses);
    this.lists = {
      publishAllow: publishAllow?.filter(entry => isPublishEntry(entry, problems)) ?? [],
      publishDeny: publishDeny?.flatMap(entry => publishDenyEntry(entry, problems)) ?? [],
      subscribeAllow: subscribeEntries(subscribe, "allow", problems),
      subscribeDeny: subscribeEntries(subscribe, "deny", problems),
    };
    this.publish =
      publishAllow === null && publishDeny === null
        ? null
        : new PublishRule(
            publishAllow === null ? null : patternSet(this.lists.publishAllow, random),
            publishDeny === null ? null : patternSet(this.lists.publishDeny, random),
          );
    this.subscribeAllow = listOrNull(subscribe?.allow) === null ? null : new SubscribeList(this.lists.subscribeAllow, random);
    this.subscribeDeny = listOrNull(subscribe?.deny) === null ? null : new SubscribeList(this.lists.subscribeDeny, random);
  }

  /** @param random source of secret hash seeds */
  static compile(options: PermissionOptions, random: Random): Permissions {
    return new Permissions(options, random);
  }

  /** @param queue null or empty: a plain subscription */
  maySubscribe(subject: Uint8Array, queue: Uint8Array | null): boolean {
    const named = queue === null || queue.length === 0 ? null : queue;
    if (this.subscribeAllow !== null && !this.subscribeAllow.allows(subject, named)) return false;
    return this.subscribeDeny === null || !this.subscribeDeny.denies(subject, 0, subject.length, named);
  }
}

export interface PermissionLists {
  readonly publishAllow: readonly string[];
  readonly publishDeny: readonly string[];
  readonly subscribeAllow: readonly string[];
  readonly subscribeDeny: readonly string[];
}

export class PublishRule {
  /** Whether checking the patterns is faster than looking up a cached decision. */
  readonly isDirect: boolean;

  constructor(
    private readonly allow: PatternSet | null,
    private readonly deny: PatternSet | null,
  ) {
    this.isDirect = allow?.isDirect !== false && deny?.isDirect !== false;
  }

  allows(source: Uint8Array, start: number, end: number): boolean {
    if (this.allow !== null && !this.allow.covers(source, start, end)) return false;
    return this.deny === null || !this.deny.covers(source, start, end);
  }
}

/** An allow or a deny list of `subscribe`. */
export class SubscribeList {
  readonly plain: readonly Pattern[];
  readonly queues: QueueEntrySet;
  private readonly plainSet: PatternSet;

  constructor(entries: readonly string[], random: Random) {
    const split = entries.map(entry => splitSubjectQueue(entry)!);
    this.plain = split.filter(({ queue }) => queue === null).map(({ subject }) => new Pattern(encode(subject)));
    this.plainSet = new PatternSet(this.plain, random);
    this.queues = new QueueEntrySet(
      split.flatMap(({ subject, queue }) => (queue === null ? [] : [new QueueEntry(encode(subject), encode(queue))])),
      random,
    );
  }

  allows(subject: Uint8Array, queue: Uint8Array | null): boolean {
    const verdict = queue === null ? QueueVerdict.None : this.queues.verdict(subject, 0, subject.length, queue);
    if (verdict !== QueueVerdict.None) return verdict === QueueVerdict.SameQueue;
    return this.plainSet.covers(subject, 0, subject.length);
  }

  denies(source: Uint8Array, start: number, end: number, queue: Uint8Array | null): boolean {
    if (this.plainSet.covers(source, start, end)) return true;
    return queue !== null && this.queues.verdict(source, start, end, queue) === QueueVerdict.SameQueue;
  }
}

function patternSet(entries: readonly string[], random: Random): PatternSet {
  return new PatternSet(
    entries.map(entry => new Pattern(encode(entry))),
    random,
  );
}

/** Lists for which empty and absent mean the same. */
function listOrNull(list: readonly string[] | null | undefined): readonly string[] | null {
  return list === null || list === undefined || list.length === 0 ? null : list;
}

/** 0 means the default, as in the reference. */
function withDefaults({ messagesMax, expiresMs }: ResponsePermission): ResponsePermission {
  return { messagesMax: messagesMax || RESPONSE_DEFAULTS.messagesMax, expiresMs: expiresMs || RESPONSE_DEFAULTS.expiresMs };
}

function isPublishEntry(entry: string, problems: string[]): boolean {
  if (isValidEntrySubject(entry)) return true;
  problems.push(`invalid publish subject ${quote(encode(entry))}`);
  return false;
}

/** Publishing ignores queues; an entry with a queue still denies the subject. */
function publishDenyEntry(entry: string, problems: string[]): string[] {
  if (isValidEntrySubject(entry)) return [entry];
  const split = splitSubjectQueue(entry);
  const shown = quote(encode(entry));
  problems.push(
    split === null ? `invalid publish deny subject ${shown}` : `queue qualifier is not valid for publish deny subject ${shown}`,
  );
  return split === null ? [] : [split.subject];
}

function subscribeEntries(permissions: SubjectPermissions | null, half: "allow" | "deny", problems: string[]): string[] {
  return (permissions?.[half] ?? []).flatMap(entry => {
    const split = splitSubjectQueue(entry);
    if (split === null) problems.push(`invalid subject-queue ${quote(encode(entry))}`);
    return split === null ? [] : [joinSubjectQueue(split)];
  });
}
