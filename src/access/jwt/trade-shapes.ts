/** The JSON of what accounts trade: exports, imports and revoked activations. */
import { JsonError } from "../../base/go/json-error.ts";
import { embedded, field, flag, list, map, nearestUint, optional, type Shape, structure, text, textOf } from "../../base/go/json-shape.ts";
import { quoted } from "../../base/go/strconv.ts";
import { durationNs, int, int64, subjectText } from "./body-rows.ts";
import type { Export, ExportKind, Import, ServiceLatency } from "./claims.ts";

export const exportKind: Shape<ExportKind> = {
  type: "jwt.ExportType",
  zero: () => "",
  read(tree, _previous, decoder) {
    const kind = decoder.nested(text, tree);
    if (kind === "stream" || kind === "service") return kind;
    throw new JsonError(`unknown export type ${quoted(kind)}`);
  },
  write: value => value,
  isEmpty: value => value === "",
};

/** `"headers"` is 0. */
const sampling: Shape<number> = {
  type: "jwt.SamplingRate",
  zero: () => 0,
  read: (tree, _previous, decoder) => (typeof tree === "string" && tree.toLowerCase() === "headers" ? 0 : decoder.nested(int, tree)),
  write: value => (value === 0 ? "headers" : value),
  isEmpty: () => false,
};

export const imports = list(
  optional(
    structure<Import>("jwt.Import", {
      name: field("name", text),
      subject: field("subject", subjectText),
      account: field("account", text),
      token: field("token", text),
      to: field("to", subjectText),
      localSubject: field("local_subject", textOf("jwt.RenamingSubject")),
      type: field("type", exportKind),
      share: field("share", flag),
      allowTrace: field("allow_trace", flag),
    }),
  ),
  "jwt.Imports",
);

export const revocations = map(int64, "jwt.RevocationList");

interface Info {
  readonly description: string;
  readonly infoUrl: string;
}
export const INFO_ROWS = embedded<Info>("Info", { description: field("description", text), infoUrl: field("info_url", text) });

export const exports = list(
  optional(
    structure<Export>("jwt.Export", {
      name: field("name", text),
      subject: field("subject", subjectText),
      type: field("type", exportKind),
      tokenRequired: field("token_req", flag),
      revocations: field("revocations", revocations),
      responseType: field("response_type", textOf("jwt.ResponseType")),
      responseThresholdNanoseconds: field("response_threshold", durationNs),
      latency: field(
        "service_latency",
        optional(
          structure<ServiceLatency>("jwt.ServiceLatency", {
            sampling: field("sampling", sampling, "always"),
            results: field("results", subjectText, "always"),
          }),
        ),
      ),
      accountTokenPosition: field("account_token_position", nearestUint("uint")),
      advertise: field("advertise", flag),
      allowTrace: field("allow_trace", flag),
      ...INFO_ROWS,
    }),
  ),
  "jwt.Exports",
);
