/** `permissions { }`: permissions of one user, or defaults of users without their own. */

import { subjectsFault } from "../../../access/permission/permission-check.ts";
import {
  type PermissionOptions,
  RESPONSE_DEFAULTS,
  type ResponsePermission,
  type SubjectPermissions,
} from "../../../access/permission/permission-options.ts";
import { parseGoDuration } from "../../../base/go/duration.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { type ConfigValue, goShown, goTypeOf } from "../../language/config-value.ts";
import { type Field, field, fieldTable, readBlock, type UnknownText } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { integer, millisecondsOf, type Reader, reader } from "../row/reader.ts";
import type { Draft } from "./ocsp-block.ts";

const unknownPermission: UnknownText = key => `Unknown field ${quoted(key)} parsing permissions`;
const unknownList: UnknownText = key =>
  `Unknown field name ${quoted(key)} parsing subject permissions, only 'allow' or 'deny' are permitted`;

/** @returns null for an empty list, which has no effect in a file */
function subjectsIn({ data }: ConfigValue, queues: boolean): readonly string[] | null {
  const subjects: string[] = [];
  if (typeof data === "string") subjects.push(data);
  else if (Array.isArray(data)) {
    for (const element of data) {
      if (typeof element.data !== "string") throw new ConfigFault("Subject in permissions array cannot be cast to string", element);
      subjects.push(element.data);
    }
  } else throw new ConfigFault(`Expected subject permissions to be a subject, or array of subjects, got ${goTypeOf(data)}`);
  const fault = subjectsFault(subjects, queues);
  if (fault !== null) throw new ConfigFault(fault);
  return subjects.length === 0 ? null : subjects;
}

const listOf = (queues: boolean) => reader("subject or list of subjects", value => subjectsIn(value, queues));

function listFields(queues: boolean): readonly Field<Draft<SubjectPermissions>>[] {
  return [
    field("allow", listOf(queues), "the only subjects that are allowed", (draft, subjects) => (draft.allow = subjects), { initial: ">" }),
    field("deny", listOf(queues), "subjects that are not allowed", (draft, subjects) => (draft.deny = subjects)),
  ];
}

const PUBLISH_FIELDS = listFields(false);
const SUBSCRIBE_FIELDS = listFields(true);

/** Permissions to publish or to subscribe: a list of allowed subjects, or `{ allow, deny }`. */
function half(fields: readonly Field<Draft<SubjectPermissions>>[], queues: boolean): Reader<SubjectPermissions | null> {
  const table = fieldTable(fields);
  return reader("subject, list of subjects, or block", (value, { problems }) => {
    const { data } = value;
    if (!(data instanceof Map)) return { allow: subjectsIn(value, queues), deny: null };
    if (data.size === 0) return null;
    const draft: Draft<SubjectPermissions> = { allow: null, deny: null };
    readBlock(data, table, draft, problems, unknownList, true);
    return draft;
  });
}

const expires = reader("duration", ({ data }) => {
  if (typeof data !== "string") throw new ConfigFault("error parsing expires, not a duration string");
  const nanoseconds = parseGoDuration(data);
  if (typeof nanoseconds === "string") throw new ConfigFault(`error parsing expires: ${nanoseconds}`);
  return nanoseconds < 0n ? Math.min(-1, millisecondsOf(nanoseconds)) : millisecondsOf(nanoseconds);
});

export const RESPONSE_FIELDS: readonly Field<Draft<ResponsePermission>>[] = [
  field(
    "max max_msgs max_messages max_responses",
    integer,
    "answers per request; negative: any number",
    (draft, most) => (draft.messagesMax = most || RESPONSE_DEFAULTS.messagesMax),
    { initial: "1" },
  ),
  field(
    "expires expiration ttl",
    expires,
    "how long after the request; negative: no limit",
    (draft, time) => (draft.expiresMs = time || RESPONSE_DEFAULTS.expiresMs),
    { initial: "2m" },
  ),
];

const responses = reader<ResponsePermission | null>("boolean or block", ({ data }, { problems }) => {
  if (typeof data === "boolean") return data ? RESPONSE_DEFAULTS : null;
  if (!(data instanceof Map)) throw new ConfigFault("error parsing response permissions, expected a boolean or a map");
  const draft: Draft<ResponsePermission> = { ...RESPONSE_DEFAULTS };
  readBlock(data, RESPONSE_FIELDS, draft, problems, unknownPermission, true);
  return draft;
});

export const PERMISSION_FIELDS: readonly Field<Draft<PermissionOptions>>[] = [
  field(
    "publish pub import",
    half(PUBLISH_FIELDS, false),
    "subjects that may be published to",
    (draft, publish) => (draft.publish = publish),
    {
      initial: ">",
      fields: PUBLISH_FIELDS,
    },
  ),
  field(
    "subscribe sub export",
    half(SUBSCRIBE_FIELDS, true),
    'subjects that may be subscribed to; `"<subject> <queue>"` is for members of that queue',
    (draft, subscribe) => (draft.subscribe = subscribe),
    { initial: ">", fields: SUBSCRIBE_FIELDS },
  ),
  field(
    "allow_responses publish_allow_responses",
    responses,
    "responses may be published to the reply subjects of requests; other publishing needs `publish`",
    (draft, permission) => (draft.responses = permission),
    { initial: "false", fields: RESPONSE_FIELDS },
  ),
];

const PERMISSION_TABLE = fieldTable(PERMISSION_FIELDS);

export const permissionBlock: Reader<PermissionOptions> = reader("block", ({ data }, { problems }) => {
  if (!(data instanceof Map)) throw new ConfigFault(`Expected permissions to be a map/struct, got ${goShown(data)}`);
  const draft: Draft<PermissionOptions> = { publish: null, subscribe: null, responses: null };
  readBlock(data, PERMISSION_TABLE, draft, problems, unknownPermission, true);
  return withResponses(draft);
});

/** A permission for responses forbids all other publishing that `publish` does not allow. */
export function withResponses(permissions: PermissionOptions): PermissionOptions {
  const { publish, responses } = permissions;
  if (responses === null || (publish?.allow ?? null) !== null) return permissions;
  return { ...permissions, publish: { allow: [], deny: publish?.deny ?? null } };
}
