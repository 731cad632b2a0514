/** The JSON fields that claims of every kind have, and the shapes of single values. */
import { embedded, field, list, nearestInt, type Rows, text, textOf } from "../../base/go/json-shape.ts";
import type { BodyData, ClaimsData } from "./claims.ts";

export const int = nearestInt("int");
export const int64 = nearestInt("int64");
export const durationNs = nearestInt("time.Duration");
export const subjectText = textOf("jwt.Subject");

export const texts = list(text, "jwt.StringList");
export const tags = list(text, "jwt.TagList");

export const DATA_ROWS: Rows<ClaimsData> = embedded("ClaimsData", {
  audience: field("aud", text),
  expiresAtSeconds: field("exp", int64),
  id: field("jti", text),
  issuedAtSeconds: field("iat", int64),
  issuer: field("iss", text),
  name: field("name", text),
  notBeforeSeconds: field("nbf", int64),
  subject: field("sub", text),
});

export const GENERIC_ROWS: Rows<BodyData> = {
  tags: field("tags", tags),
  type: field("type", textOf("jwt.ClaimType")),
  version: field("version", int),
};
export const BODY_ROWS = embedded<BodyData>("GenericFields", GENERIC_ROWS);
