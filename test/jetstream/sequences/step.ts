/** One step of a sequence that is played on two servers. Answers of both must be equal. */

/** A message to publish. */
export interface Publication {
  readonly subject: string;
  /** The whole header block as it is sent, latin1; empty: none. */
  readonly header: string;
  /** latin1. */
  readonly payload: string;
  /** Last part of its reply subject, for fast batches; empty: an ordinary reply. */
  readonly replyEnd: string;
}

/** Texts of requests may hold `<time of NAME SEQUENCE OFFSET>`: the time of a stored message plus nanoseconds, in quotes. */
export type Step =
  /** A request to the API. `subject` follows `$JS.API.`; one answer. */
  | { readonly kind: "api"; readonly subject: string; readonly body: string; readonly header: string }
  /** A direct get. `subject` follows `$JS.API.DIRECT.GET.`; one or many answers. */
  | { readonly kind: "get"; readonly subject: string; readonly body: string }
  /** Messages that are written at once; one answer to each. */
  | { readonly kind: "publish"; readonly messages: readonly Publication[] };

/** What happens between two parts of a sequence. */
export type Restart = "stop" | "kill";

/** Limits of the account, in the language of nats-server's configuration. */
export interface Sequence {
  readonly seed: number;
  /** Value of the account's `jetstream`. */
  readonly limits: string;
  /** How the server ends between two parts; with one part, any. */
  readonly restart: Restart;
  readonly parts: readonly (readonly Step[])[];
}

export function textOfStep(step: Step): string {
  switch (step.kind) {
    case "api":
      return `${step.subject} ${step.body}${step.header === "" ? "" : ` ${JSON.stringify(step.header)}`}`;
    case "get":
      return `DIRECT.GET.${step.subject} ${step.body}`;
    case "publish":
      return step.messages
        .map(
          ({ header, payload, replyEnd, subject }) =>
            `publish ${subject} ${JSON.stringify(shortened(header))} ${JSON.stringify(shortened(payload))} ${replyEnd}`,
        )
        .join("; ");
  }
}

const SHOWN_MAX = 300;

function shortened(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}… (${text.length} bytes)`;
}
