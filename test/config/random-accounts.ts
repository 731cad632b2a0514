/**
 * Random configurations of accounts: mostly valid ones, with at most one mistake. Reports on them are compared with those of the
 * reference, which reads fields in random order and stops at some errors: so there is no second mistake, and none that concerns two fields.
 */
import type { Random } from "../../src/base/random/random.ts";

const SUBJECTS = ["a", "a.b", "a.*", "b.>", "orders.eu.*", "q.a"];
const WRONG_SUBJECTS = ["a..b", "a b", ">.a", ".", "a."];
const WRONG_VALUES = ["5", "true", "1.5"];

/** Makes at most one mistake in a configuration. */
class Mistake {
  made = false;

  constructor(
    private readonly random: Random,
    private readonly ratio: number,
  ) {}

  /** @returns a valid text, or, once, a wrong one */
  instead(valid: () => string, wrong: readonly string[]): string {
    if (this.made || !this.random.chance(this.ratio)) return valid();
    this.made = true;
    return this.random.pick(wrong);
  }
}

const quoted = (text: string) => `"${text}"`;

export function randomAccounts(random: Random): string {
  const mistake = new Mistake(random, random.chance(0.7) ? 0.04 : 0);
  const names = ["A", "B", "C"].slice(0, random.between(1, 3));
  const blocks = names.map((name, at) => `${name} {\n${account(random, mistake, `u${at}`)}}`);
  const more = [
    () => `mappings {\n${mapping(random, mistake)}}\n`,
    () => `authorization { users: [ ${user(random, mistake, "global")} ] }\n`,
    () => `authorization { timeout: 1, default_permissions { ${permissions(random, mistake)} } }\n`,
    () => `no_auth_user: ${mistake.instead(() => "u0", WRONG_VALUES)}\n`,
    () => `system_account: ${mistake.instead(() => "A", WRONG_VALUES)}\n`,
  ].filter(() => random.chance(0.3));
  const authorizations = more.map(make => make());
  const once = authorizations.filter(
    (text, at) => !text.startsWith("auth") || authorizations.findIndex(one => one.startsWith("auth")) === at,
  );
  return `accounts {\n${blocks.join("\n")}\n}\n${once.join("")}`;
}

/** Fields in random order: some are left out, and an unknown one may be among them. */
function fields(random: Random, mistake: Mistake, makers: readonly (() => string)[], unknown = "qqqq: 1"): string {
  const chosen = makers.filter(() => random.chance(0.5));
  for (let at = chosen.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [chosen[at], chosen[other]] = [chosen[other]!, chosen[at]!];
  }
  const texts = chosen.map(make => mistake.instead(make, [unknown]));
  return texts.map(text => `${text}${random.pick(["\n", ", ", "; "])}`).join("");
}

function account(random: Random, mistake: Mistake, name: string): string {
  return fields(random, mistake, [
    () => `users: [ ${user(random, mistake, name)}, ${user(random, mistake, `${name}x`)} ]`,
    () => `default_permissions { ${permissions(random, mistake)} }`,
    () => `${random.pick(["mappings", "maps"])} {\n${mapping(random, mistake)}}`,
    () => `limits { ${limits(random, mistake)} }`,
    () => `${random.pick(["msg_trace", "trace_dest"])}: ${trace(random, mistake)}`,
    () => `exports: [ ${oneExport(random, mistake)} ]`,
    () => `jetstream: ${mistake.instead(() => "false", ["{ qqqq: 1 }"])}`,
  ]);
}

function user(random: Random, mistake: Mistake, name: string): string {
  const more = fields(random, mistake, [
    () => `${random.pick(["pass", "password"])}: ${mistake.instead(() => "secret", WRONG_VALUES)}`,
    () => `${random.pick(["permission", "permissions", "authorization"])} { ${permissions(random, mistake)} }`,
    () => `${random.pick(["clients", "connection_types"])}: ${mistake.instead(() => "[standard, MQTT]", ["[foo]", "5", "foo"])}`,
    () => `proxy_required: ${mistake.instead(() => "true", ["5", "x"])}`,
  ]);
  return `{ ${random.pick(["user", "username", "User"])}: ${name}, ${more} }`;
}

function permissions(random: Random, mistake: Mistake): string {
  return fields(random, mistake, [
    () => `${random.pick(["pub", "publish", "import"])}: ${half(random, mistake, WRONG_SUBJECTS)}`,
    () => `${random.pick(["sub", "subscribe", "export"])}: ${half(random, mistake, ["a b c", "a..b", "a b..c"])}`,
    () => `allow_responses: ${mistake.instead(() => random.pick(["true", "false", "{ max: 5 }", '{ ttl: "1m" }']), ["5", "{ max: x }"])}`,
  ]);
}

function half(random: Random, mistake: Mistake, wrong: readonly string[]): string {
  if (random.chance(0.3)) return `[ ${quoted(random.pick(SUBJECTS))} ]`;
  const list = () => {
    const subject = () => mistake.instead(() => quoted(random.pick(SUBJECTS)), wrong.map(quoted));
    return random.chance(0.5) ? subject() : `[ ${subject()}, ${quoted(random.pick(SUBJECTS))} ]`;
  };
  return `{ ${fields(random, mistake, [() => `allow: ${list()}`, () => `deny: ${list()}`])} }`;
}

function mapping(random: Random, mistake: Mistake): string {
  const weight = () => mistake.instead(() => random.pick(["50", "50%", '"10%"', "0"]), ["101", "x", "-5"]);
  const makers = [
    () => `a: ${mistake.instead(() => "b", ['"b..c"', '"b.$1"'])}`,
    () => `"b.*": ${mistake.instead(() => quoted("c.$1"), ['"c.$2"', '"c.{{nothing(1)}}"'])}`,
    () => `c: { destination: d, weight: ${weight()} }`,
    () => `d: [ { dest: e, weight: ${weight()} }, { destination: f, weight: ${weight()}, cluster: x } ]`,
    () => `e: ${mistake.instead(() => "[]", ["5", "[ 5 ]", "{ destination: x }"])}`,
  ];
  return makers
    .filter(() => random.chance(0.5))
    .map(make => `${make()}\n`)
    .join("");
}

function limits(random: Random, mistake: Mistake): string {
  const names = ["max_connections", "max_conn", "max_subscriptions", "max_payload", "max_pay", "max_leafs"];
  return fields(
    random,
    mistake,
    names.map(name => () => `${name}: ${mistake.instead(() => String(random.below(1_000)), ["x", "true"])}`),
  );
}

function trace(random: Random, mistake: Mistake): string {
  if (random.chance(0.5)) return mistake.instead(() => "t.a", ['"t.*"', '"t..a"', "5"]);
  return `{ dest: t, sampling: ${mistake.instead(() => random.pick(["5", '"50%"']), ["0", "101", "x", "true"])} }`;
}

function oneExport(random: Random, mistake: Mistake): string {
  const accounts = () => `accounts: [ ${mistake.instead(() => "A", ["Z"])} ]`;
  if (random.chance(0.4))
    return `{ stream: ${mistake.instead(() => quoted(random.pick(SUBJECTS)), WRONG_VALUES)}, ${fields(random, mistake, [accounts])} }`;
  const more = fields(random, mistake, [
    accounts,
    () => `response: ${mistake.instead(() => random.pick(["single", "singleton"]), ["foo", "5"])}`,
    () => `threshold: ${mistake.instead(() => '"1s"', ["5", "x"])}`,
    () => `latency: ${mistake.instead(() => random.pick(["m.x", "{ subject: m.x, sampling: 5% }"]), ["5", "{}", '"m.*"'])}`,
    () => `allow_trace: ${mistake.instead(() => "true", ["5"])}`,
  ]);
  return `{ service: ${quoted(random.pick(SUBJECTS))}, ${more} }`;
}
