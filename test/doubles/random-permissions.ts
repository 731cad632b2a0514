import type { PermissionOptions, ResponsePermission, SubjectPermissions } from "../../src/access/permission/permission-options.ts";
import type { Random } from "../../src/base/random/random.ts";

/** Tokens of subjects: only few, so that the entries of permissions overlap. */
const WORDS = ["a", "b", "c", "orders", "a*", "b>"];
const QUEUES = ["q", "w", "q.a", "q.b", "w.a.b", "*", ">", "q.*", "w.>", "q.*.b"];

export function randomPermissions(random: Random): PermissionOptions {
  const responses = random.chance(0.4) ? randomResponses(random) : null;
  return {
    publish: random.chance(0.75) ? randomSubjects(random, false) : null,
    subscribe: random.chance(0.85) ? randomSubjects(random, true) : null,
    responses,
  };
}

function randomResponses(random: Random): ResponsePermission {
  return { messagesMax: random.pick([1, 1, 2, 3, -1]), expiresMs: random.pick([-1_000, 60_000, 120_000]) };
}

/** Draws at least one of the lists; no list is empty. */
function randomSubjects(random: Random, queues: boolean): SubjectPermissions {
  const kind = random.below(4);
  return {
    allow: kind === 0 ? null : randomEntries(random, queues),
    deny: kind === 1 ? null : randomEntries(random, queues),
  };
}

/** Draws few or many entries, because the server looks up long lists in another way. */
function randomEntries(random: Random, queues: boolean): string[] {
  const count = random.chance(0.25) ? random.between(9, 40) : random.between(1, 4);
  return Array.from({ length: count }, () => {
    const subject = randomPattern(random, count > 8 ? 3 : 1);
    return queues && random.chance(0.4) ? `${subject} ${randomQueue(random)}` : subject;
  });
}

/** @param tokensMin larger for long lists, because many short patterns would cover all subjects */
export function randomPattern(random: Random, tokensMin = 1): string {
  const tokens = Array.from({ length: random.between(tokensMin, 4) }, () => (random.chance(0.25) ? "*" : random.pick(WORDS)));
  if (random.chance(0.3)) tokens[tokens.length - 1] = ">";
  return tokens.join(".");
}

/** A subject without wildcards; some tokens contain wildcard characters as ordinary text. */
export function randomLiteral(random: Random): string {
  return Array.from({ length: random.between(1, 4) }, () => random.pick(WORDS)).join(".");
}

export function randomQueue(random: Random): string {
  return random.pick(QUEUES);
}
