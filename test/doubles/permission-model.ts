import { type PermissionOptions, RESPONSE_DEFAULTS } from "../../src/access/permission/permission-options.ts";
import { splitSubjectQueue } from "../../src/access/permission/subject-queue.ts";

/**
 * A simple, slow model of permissions: it compares strings in lists and keeps only the tracked replies. Entries must be valid.
 */
export class PermissionModel {
  private readonly replies = new Map<string, { time: number; used: number }>();

  constructor(
    private options: PermissionOptions,
    private readonly now: () => number,
  ) {}

  mayPublish(subject: string): boolean {
    const { publish, responses } = this.options;
    const allow = publish?.allow ?? (responses === null ? null : []);
    const deny = publish?.deny ?? [];
    if (allow === null && deny.length === 0) return true;
    const allowed = allow === null || allow.some(entry => covers(entry, subject));
    if (allowed && !deny.some(entry => covers(entry, subject))) return true;
    return responses !== null && this.takeAnswer(subject);
  }

  maySubscribe(subject: string, queue: string | null): boolean {
    const allow = this.options.subscribe?.allow ?? [];
    const naming = allow.map(entriesOf).filter(entry => covers(entry.subject, subject));
    const qualified = naming.filter(entry => entry.queue !== null);
    let allowed = allow.length === 0 || naming.some(entry => entry.queue === null);
    if (queue !== null && qualified.length > 0) allowed = qualified.some(entry => coversQueue(entry.queue!, queue));
    return allowed && !this.isDenied(subject, queue);
  }

  /** Whether a message reaches an existing subscription. */
  isDelivered(subject: string, queue: string | null): boolean {
    return !this.isDenied(subject, queue);
  }

  trackReply(reply: string): void {
    if (this.options.responses === null || this.mayPublish(reply)) return;
    this.replies.set(reply, { time: this.now(), used: 0 });
  }

  follow(options: PermissionOptions): void {
    const before = this.options.responses;
    const after = options.responses;
    const same = before?.messagesMax === after?.messagesMax && before?.expiresMs === after?.expiresMs;
    if (!same) this.replies.clear();
    this.options = options;
  }

  private isDenied(subject: string, queue: string | null): boolean {
    const naming = (this.options.subscribe?.deny ?? []).map(entriesOf).filter(entry => covers(entry.subject, subject));
    return naming.some(entry => entry.queue === null || (queue !== null && coversQueue(entry.queue, queue)));
  }

  private takeAnswer(subject: string): boolean {
    const reply = this.replies.get(subject);
    if (reply === undefined) return false;
    const messagesMax = this.options.responses!.messagesMax || RESPONSE_DEFAULTS.messagesMax;
    const expiresMs = this.options.responses!.expiresMs || RESPONSE_DEFAULTS.expiresMs;
    reply.used++;
    const over = (messagesMax > 0 && reply.used > messagesMax) || (expiresMs > 0 && this.now() - reply.time > expiresMs);
    if (over) this.replies.delete(subject);
    return !over;
  }
}

function entriesOf(entry: string): { subject: string; queue: string | null } {
  return splitSubjectQueue(entry)!;
}

/** Wildcards in `subject` are ordinary text. */
export function covers(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  if (tokens.includes("")) return false;
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return tokens.length > index;
    if (index >= tokens.length || (token !== "*" && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}

/** A `*` in the queue's name is covered by `*` or `>`, a `>` only by `>`. */
function coversQueue(pattern: string, queue: string): boolean {
  if (pattern === queue) return true;
  const wanted = pattern.split(".");
  const tokens = queue.split(".");
  if (!wanted.includes("*") && !wanted.includes(">")) return false;
  for (const [index, token] of wanted.entries()) {
    if (index >= tokens.length) return false;
    if (token === ">") return true;
    if (tokens[index] === ">" || (token !== "*" && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}
