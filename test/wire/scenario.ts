/**
 * Scenarios: conversations with a server as text, one file per topic, many scenarios per file.
 *
 *   # a comment
 *   == a PUB whose payload holds CRLF is one message          the title, then the steps, one a line
 *   config max_payload: 1024                                  an option of the server, as in its configuration file; any number
 *   a connect                                                 CONNECT, PING and its PONG; JSON may follow
 *   a > SUB foo 1                                             send this line; CRLF is added
 *   b >> PUB foo 7\r\none\r\|\ntw\r\n                         send these bytes, here with a cut (two writes)
 *   a < MSG foo 1 7                                           these bytes must come next; CRLF is added
 *   a silent                                                  a PING gets its PONG, and nothing else comes before it
 *   b closed Protocol Violation                               nothing more comes, the server ends it, /connz has this reason
 *
 * | step            | what it does                                                                            |
 * | --------------- | --------------------------------------------------------------------------------------- |
 * | `a > text`      | sends a line; `a >* text` writes every byte by itself                                   |
 * | `a >> text`     | sends bytes as they are; `a >>* text` writes every byte by itself                       |
 * | `a < text`      | expects a line; `a < <info>` an INFO line, with JSON fields that it must have:          |
 * |                 | `<info connect_info=true remote_account="$G">`, `nonce=-` for one that must be absent   |
 * | `a << text`     | expects bytes as they are                                                               |
 * | `a <? text`     | one of several lines that come in any order: all `<?` of `a` in a row                   |
 * | `a then`        | ends such a row                                                                         |
 * | `a open`        | connects and expects nothing; any other first step of a connection also takes its INFO  |
 * | `a connect`     | `CONNECT {"verbose":false,"pedantic":false}` (or the JSON that follows), PING, PONG     |
 * | `a silent`      | see above                                                                               |
 * | `a pause`       | stops reading; `a resume` reads on                                                      |
 * | `a end`         | half-closes: the server reads the end, and may still write                              |
 * | `a close`       | closes; `a reset` resets the connection and discards unsent bytes                       |
 * | `a eof`         | nothing more comes and the server ends the connection                                   |
 * | `a closed text` | `eof`, and the reason in /connz                                                         |
 * | `a reason text` | the reason only, for a connection that does not read                                    |
 *
 * Consecutive sends of one connection are one write, except at cuts. After the last step every connection is half-closed, and
 * the server must have sent nothing else. Bytes are written as `byte-text.ts` describes.
 */
export type Step =
  | { readonly kind: "send"; readonly text: string; readonly everyByte: boolean }
  | { readonly kind: "expect"; readonly text: string }
  | { readonly kind: "expectAnyOrder"; readonly texts: readonly string[] }
  | { readonly kind: "expectInfo"; readonly fields: InfoFields }
  | { readonly kind: "connect"; readonly json: string }
  | { readonly kind: "closed" | "reason"; readonly reason: string }
  | { readonly kind: PlainStep };

const PLAIN_STEPS = ["open", "silent", "pause", "resume", "end", "close", "reset", "eof"] as const;
type PlainStep = (typeof PLAIN_STEPS)[number];

/** Fields that an INFO must have: the JSON value, or undefined for one that must be absent. */
export type InfoFields = Readonly<Record<string, unknown>>;

export interface ScenarioStep {
  readonly connection: string;
  readonly step: Step;
  /** file:line of the step, for the message of a failure. */
  readonly place: string;
}

export interface Scenario {
  readonly title: string;
  /** Lines of the server's configuration, in the file's order. */
  readonly config: readonly string[];
  readonly steps: readonly ScenarioStep[];
}

const CONNECT_JSON = '{"verbose":false,"pedantic":false}';

/**
 * Reads a scenario file.
 * @param file its name, for the places of the steps
 * @throws with file and line when a line is no title, option, step or comment
 */
export function parseScenarios(text: string, file: string): Scenario[] {
  const scenarios: { title: string; config: string[]; steps: ScenarioStep[] }[] = [];
  let mayJoin = false; // whether this line may be joined to the step before it
  for (const [index, line] of text.split("\n").entries()) {
    const place = `${file}:${index + 1}`;
    if (line.trim() === "" || line.startsWith("#")) continue;
    if (line.startsWith("== ")) {
      scenarios.push({ title: line.slice(3).trim(), config: [], steps: [] });
      mayJoin = false;
      continue;
    }
    const scenario = scenarios.at(-1);
    if (scenario === undefined) throw new Error(`${place}: a step before the first title`);
    if (line.startsWith("config ")) {
      scenario.config.push(line.slice(7).trim());
      continue;
    }
    const [, connection, word, rest] = /^(\w+) (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (connection === undefined || word === undefined) throw new Error(`${place}: not a step: ${line}`);
    if (word === "then") {
      mayJoin = false;
      continue;
    }
    const step = stepOf(word, rest ?? "", place);
    const previous = scenario.steps.at(-1);
    const joined = mayJoin && previous?.connection === connection ? join(previous.step, step) : null;
    if (joined === null) scenario.steps.push({ connection, step, place });
    else scenario.steps[scenario.steps.length - 1] = { connection, step: joined, place: previous!.place };
    mayJoin = true;
  }
  return scenarios;
}

function stepOf(word: string, rest: string, place: string): Step {
  switch (word) {
    case ">":
    case ">*":
      return { kind: "send", text: `${rest}\\r\\n`, everyByte: word.endsWith("*") };
    case ">>":
    case ">>*":
      return { kind: "send", text: rest, everyByte: word.endsWith("*") };
    case "<":
      return rest.startsWith("<info") ? { kind: "expectInfo", fields: infoFields(rest, place) } : { kind: "expect", text: `${rest}\\r\\n` };
    case "<<":
      return { kind: "expect", text: rest };
    case "<?":
      return { kind: "expectAnyOrder", texts: [`${rest}\\r\\n`] };
    case "connect":
      return { kind: "connect", json: rest === "" ? CONNECT_JSON : rest };
    case "closed":
    case "reason":
      if (rest === "") throw new Error(`${place}: ${word} needs the reason`);
      return { kind: word, reason: rest };
    default:
      if (!PLAIN_STEPS.includes(word as PlainStep) || rest !== "") throw new Error(`${place}: unknown step: ${word} ${rest}`);
      return { kind: word as PlainStep };
  }
}

/** Two neighbouring steps of one connection as one, or null when they stay apart. */
function join(first: Step, second: Step): Step | null {
  if (first.kind === "send" && second.kind === "send" && first.everyByte === second.everyByte) {
    return { ...first, text: first.text + second.text };
  }
  if (first.kind === "expect" && second.kind === "expect") return { kind: "expect", text: first.text + second.text };
  if (first.kind === "expectAnyOrder" && second.kind === "expectAnyOrder") {
    return { kind: "expectAnyOrder", texts: [...first.texts, ...second.texts] };
  }
  return null;
}

function infoFields(text: string, place: string): InfoFields {
  const inside = /^<info(.*)>$/.exec(text)?.[1];
  if (inside === undefined) throw new Error(`${place}: not <info …>: ${text}`);
  const fields: Record<string, unknown> = {};
  for (const pair of inside.trim().split(/\s+/)) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const value = pair.slice(at + 1);
    fields[pair.slice(0, at)] = value === "-" ? undefined : JSON.parse(value);
  }
  return fields;
}
