/**
 * Random scenarios that are run on two servers: accounts with exports and imports, users with permissions, and the messages they publish.
 * Subjects are short and made of few words, so that patterns overlap. Scenarios leave no free choice to a server: queue groups have one
 * member, and mappings have no weights.
 */

import type { PermissionOptions, SubjectPermissions } from "../../src/access/permission/permission-options.ts";
import type { Random } from "../../src/base/random/random.ts";
import { collideText } from "../../src/messaging/subject/subject-text.ts";

const WORDS = ["a", "b", "c", "d"];

export interface AccountExport {
  readonly kind: "stream" | "service";
  readonly subject: string;
  readonly accounts: readonly string[] | null;
  readonly accountTokenPosition: number;
  readonly responseType: "Singleton" | "Stream" | "Chunked";
}

export interface AccountImport {
  readonly kind: "stream" | "service";
  readonly account: string;
  readonly subject: string;
  readonly to: string;
  readonly prefix: string;
  readonly share: boolean;
}

export interface ScenarioAccount {
  readonly name: string;
  readonly users: readonly { readonly name: string; readonly permissions: PermissionOptions | null }[];
  readonly defaultPermissions: PermissionOptions | null;
  readonly exports: AccountExport[];
  readonly imports: AccountImport[];
  readonly mappings: readonly (readonly [source: string, destination: string])[];
}

export interface ScenarioSubscription {
  readonly subject: string;
  readonly queue: string | null;
}

/** One message that one user publishes. */
export interface AccountStep {
  readonly user: number;
  readonly subject: string;
  /** Whether the message has a reply subject. */
  readonly asks: boolean;
  readonly payload: string;
  /** Value of a header of the message; null: no header. */
  readonly header: string | null;
  /** Number of answers that each receiver of a request publishes. */
  readonly answers: number;
}

export interface AccountScenario {
  readonly accounts: readonly ScenarioAccount[];
  readonly subscriptions: readonly (readonly ScenarioSubscription[])[];
  readonly echo: readonly boolean[];
  readonly headers: readonly boolean[];
  readonly steps: readonly AccountStep[];
}

const literal = (random: Random) => Array.from({ length: random.between(1, 3) }, () => random.pick(WORDS)).join(".");

function pattern(random: Random): string {
  const tokens = Array.from({ length: random.between(1, 3) }, () => (random.chance(0.3) ? "*" : random.pick(WORDS)));
  if (random.chance(0.25)) tokens[tokens.length - 1] = ">";
  return tokens.join(".");
}

/** A random literal subject that the pattern matches. */
function within(subject: string, random: Random): string {
  const tokens = subject.split(".").map(token => (token === "*" || /^\$\d/.test(token) ? random.pick(WORDS) : token));
  if (tokens.at(-1) === ">") tokens.splice(-1, 1, ...literal(random).split("."));
  return tokens.join(".");
}

function permissions(random: Random, subjects: readonly string[]): PermissionOptions {
  const entry = () => (random.chance(0.6) ? random.pick(subjects) : pattern(random));
  const list = () => Array.from({ length: random.between(1, 3) }, entry);
  const half = (inbox: string): SubjectPermissions => {
    const kind = random.below(3);
    return { allow: kind === 0 ? null : [...list(), ">", inbox].slice(random.below(2) * 2), deny: kind === 1 ? null : list() };
  };
  return {
    publish: random.chance(0.7) ? half("_R_.>") : null,
    subscribe: random.chance(0.7) ? half("_INBOX.>") : null,
    responses: random.chance(0.25) ? { messagesMax: random.pick([1, 2, -1]), expiresMs: -1_000 } : null,
  };
}

function exportOf(random: Random, accounts: readonly string[]): AccountExport {
  const kind = random.chance(0.5) ? "stream" : "service";
  const subject = pattern(random);
  const star = subject.split(".").indexOf("*");
  const clamps = star !== -1 && random.chance(0.15);
  return {
    kind,
    subject,
    accounts: !clamps && random.chance(0.25) ? [random.pick(accounts)] : null,
    accountTokenPosition: clamps ? star + 1 : 0,
    responseType: random.pick(["Singleton", "Singleton", "Stream", "Chunked"]),
  };
}

function importOf(random: Random, importer: string, exporter: ScenarioAccount): AccountImport | null {
  const allowed = exporter.exports.filter(({ accounts }) => accounts === null || accounts.includes(importer) || random.chance(0.05));
  if (allowed.length === 0) return null;
  const exported = random.pick(allowed);
  let subject = exported.subject;
  if (exported.accountTokenPosition > 0) {
    const tokens = subject.split(".");
    tokens[exported.accountTokenPosition - 1] = importer;
    subject = tokens.join(".");
  } else if (random.chance(0.3)) subject = within(subject, random); // imports a part of the export
  const wildcards = subject.split(".").filter(token => token === "*").length;
  let to = "";
  let prefix = "";
  if (random.chance(0.6)) {
    const references = Array.from({ length: wildcards }, (_, index) => `$${index + 1}`);
    if (random.chance(0.5)) references.reverse();
    const middle = references.join(".");
    const tail = subject.endsWith(">") ? ".>" : "";
    if (exported.kind === "stream" && random.chance(0.4)) prefix = random.pick(["p", "p.q", "a"]);
    else to = `${literal(random)}${middle === "" ? "" : `.${middle}`}${tail}`;
  }
  return { kind: exported.kind, account: exporter.name, subject, to, prefix, share: exported.kind === "service" && random.chance(0.3) };
}

export function randomAccountScenario(random: Random): AccountScenario {
  const names = ["ONE", "TWO", "THREE", "FOUR"].slice(0, random.between(2, 4));
  const drafts = names.map(name => ({ name, exports: Array.from({ length: random.between(0, 3) }, () => exportOf(random, names)) }));
  const exports = drafts.map(draft => ({
    ...draft,
    exports: draft.exports.filter((one, index, all) => indexOfFirstOverlap(one, all) === index),
  }));
  const imports = exports.map(({ name }) => {
    const others = exports.filter(other => other.name !== name);
    const wanted = Array.from({ length: random.between(0, 3) }, () => importOf(random, name, random.pick(others) as ScenarioAccount));
    // Each service is imported once: with two imports of one service, the reference applies the `share` of either of them to both.
    const fit = wanted.filter(one => one !== null).filter(one => one.kind === "stream" || !matchesAnswers(localSubject(one)));
    return fit.filter((one, index, all) => all.findIndex(other => sameService(one, other)) === index);
  });
  const known = [...exports.flatMap(one => one.exports.map(({ subject }) => subject)), ...imports.flat().map(localSubject)];
  const subjects = known.length === 0 ? ["a.b"] : known;
  const accounts: ScenarioAccount[] = exports.map(({ name, exports: exported }, index) => ({
    name,
    users: Array.from({ length: random.between(1, 2) }, (_, number) => ({
      name: `${name.toLowerCase()}${number}`,
      permissions: random.chance(0.5) ? permissions(random, subjects) : null,
    })),
    defaultPermissions: random.chance(0.15) ? permissions(random, subjects) : null,
    exports: exported,
    imports: imports[index]!,
    mappings: random.chance(0.35) ? [mapping(random)] : [],
  }));
  const users = accounts.flatMap(account => account.users.map(() => account));
  return {
    accounts,
    subscriptions: users.map((account, user) => [
      { subject: `_INBOX.${user}.>`, queue: null },
      ...Array.from({ length: random.between(2, 6) }, (_, number) => ({
        subject: random.chance(0.6) ? random.pick(subjects) : pattern(random),
        queue: account.imports.length === 0 && random.chance(0.2) ? `q${user}.${number}` : null,
      })),
    ]),
    echo: users.map(() => random.chance(0.8)),
    headers: users.map(() => random.chance(0.8)),
    steps: Array.from({ length: 14 }, (_, step) => ({
      user: random.below(users.length),
      subject: within(random.chance(0.75) ? random.pick(subjects) : pattern(random), random),
      asks: random.chance(0.6),
      payload: `p${step}`,
      header: random.chance(0.2) ? `k${step}` : null,
      answers: random.pick([0, 1, 1, 1, 2]),
    })),
  };
}

/** Whether a service import would match the answers of other requests too; the reference then loses the original subject. */
function matchesAnswers(local: string): boolean {
  return collideText(local, "_INBOX.0.0") || collideText(local, "_R_.x.y");
}

function sameService(one: AccountImport, other: AccountImport): boolean {
  return (
    one === other || (one.kind === "service" && other.kind === "service" && one.account === other.account && one.subject === other.subject)
  );
}

/** The same scenario with some changed permissions, exports, imports and mappings, and without some users. */
export function withChangedAccounts(scenario: AccountScenario, random: Random): AccountScenario {
  const other = randomAccountScenario(random);
  const accounts = scenario.accounts.map((account, index) => {
    const drawn = other.accounts[index];
    if (drawn === undefined || random.chance(0.4)) return account;
    const users = account.users
      .map((user, number) => (random.chance(0.4) ? { ...user, permissions: drawn.users[number]?.permissions ?? null } : user))
      .filter((_, number) => number === 0 || random.chance(0.9));
    return { ...account, users, exports: drawn.exports, imports: drawn.imports, mappings: drawn.mappings };
  });
  return { ...scenario, accounts };
}

/** Index of the first export that overlaps `wanted`. Scenarios have no overlapping exports: the reference applies any of them to an import. */
function indexOfFirstOverlap(wanted: AccountExport, all: readonly AccountExport[]): number {
  return all.findIndex(({ kind, subject }) => kind === wanted.kind && collideText(subject, wanted.subject));
}
/** The subject of an import in its own account, with wildcards instead of references such as `$1`. */
function localSubject({ subject, to, prefix }: AccountImport): string {
  if (prefix !== "") return `${prefix}.${subject}`;
  return (to === "" ? subject : to).replace(/\$\d/g, "*");
}

function mapping(random: Random): readonly [string, string] {
  const source = Array.from({ length: random.between(1, 2) }, () => (random.chance(0.4) ? "*" : random.pick(WORDS))).join(".");
  const wildcards = source.split(".").filter(token => token === "*").length;
  const ends = ["", ...(wildcards > 0 ? [".{{wildcard(1)}}", ".$1", ".{{partition(3,1)}}", ".{{left(1,1)}}"] : [])];
  return [source, `${literal(random)}${random.pick(ends)}`];
}

/** The accounts of a scenario as a configuration file. */
export function configOf(scenario: AccountScenario): string {
  return `accounts: {\n${scenario.accounts.map(accountText).join("\n")}\n}\n`;
}

function accountText(account: ScenarioAccount): string {
  const users = account.users.map(
    ({ name, permissions: own }) => `{ user: ${name}, password: ${name}${own === null ? "" : `, permissions: ${permissionText(own)}`} }`,
  );
  const exported = account.exports.map(one => {
    const more = [
      ...(one.accounts === null ? [] : [`accounts: ${JSON.stringify(one.accounts)}`]),
      ...(one.accountTokenPosition === 0 ? [] : [`account_token_position: ${one.accountTokenPosition}`]),
      ...(one.kind === "stream" || one.responseType === "Singleton" ? [] : [`response_type: ${one.responseType.toLowerCase()}`]),
    ];
    return `{ ${one.kind}: "${one.subject}"${more.map(text => `, ${text}`).join("")} }`;
  });
  const imported = account.imports.map(one => {
    const more = [
      ...(one.to === "" ? [] : [`to: "${one.to}"`]),
      ...(one.prefix === "" ? [] : [`prefix: "${one.prefix}"`]),
      ...(one.share ? ["share: true"] : []),
    ];
    return `{ ${one.kind}: { account: ${one.account}, subject: "${one.subject}" }${more.map(text => `, ${text}`).join("")} }`;
  });
  const maps = account.mappings.map(([source, destination]) => `"${source}": "${destination}"`);
  const parts = [
    `users: [ ${users.join(", ")} ]`,
    ...(account.defaultPermissions === null ? [] : [`default_permissions: ${permissionText(account.defaultPermissions)}`]),
    ...(exported.length === 0 ? [] : [`exports: [ ${exported.join(", ")} ]`]),
    ...(imported.length === 0 ? [] : [`imports: [ ${imported.join(", ")} ]`]),
    ...(maps.length === 0 ? [] : [`mappings: { ${maps.join(", ")} }`]),
  ];
  return `  ${account.name}: {\n    ${parts.join("\n    ")}\n  }`;
}

function permissionText({ publish, subscribe, responses }: PermissionOptions): string {
  const half = (name: string, subjects: SubjectPermissions | null) => {
    if (subjects === null) return [];
    const { allow, deny } = subjects;
    return [
      `${name}: { ${[...(allow === null ? [] : [`allow: ${JSON.stringify(allow)}`]), ...(deny === null ? [] : [`deny: ${JSON.stringify(deny)}`])].join(", ")} }`,
    ];
  };
  const answers = responses === null ? [] : [`allow_responses: { max: ${responses.messagesMax}, expires: "-1s" }`];
  return `{ ${[...half("publish", publish), ...half("subscribe", subscribe), ...answers].join(", ")} }`;
}
