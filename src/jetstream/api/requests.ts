/**
 * Bodies of the requests of the JetStream API, by the names of the reference's structures, which appear in texts of errors.
 * Decode them with `decodeRequest`. STREAM.CREATE and STREAM.UPDATE: `STREAM_CONFIG_REQUEST`.
 * Source: jetstream §1.3, §1.5, §1.6, §11.
 */
import { type Decoded, embedded, field, flag, int, structure, text, uint64 } from "../../base/go/json-shape.ts";
import type { Integer } from "../config/stream-config.ts";
import { type ApiError, apiError } from "../error/api-error.ts";

const paged = { offset: field("offset", int, "always") };
const pagedRows = embedded<{ offset: Integer }>("ApiPagedRequest", paged);
const subjectRow = { subject: field("subject", text) };

export const STREAM_NAMES_REQUEST = structure("server.JSApiStreamNamesRequest", { ...pagedRows, ...subjectRow });
export const STREAM_LIST_REQUEST = structure("server.JSApiStreamListRequest", { ...pagedRows, ...subjectRow });

export const STREAM_INFO_REQUEST = structure("server.JSApiStreamInfoRequest", {
  ...pagedRows,
  deletedDetails: field("deleted_details", flag),
  subjectsFilter: field("subjects_filter", text),
});

export const STREAM_PURGE_REQUEST = structure("server.JSApiStreamPurgeRequest", {
  sequence: field("seq", uint64),
  filter: field("filter", text),
  keep: field("keep", uint64),
});
export type StreamPurgeRequest = Decoded<typeof STREAM_PURGE_REQUEST>;

export const MESSAGE_DELETE_REQUEST = structure("server.JSApiMsgDeleteRequest", {
  sequence: field("seq", uint64, "always"),
  noErase: field("no_erase", flag),
});

/** @returns 10003 for a purge with two ends */
export function checkPurge({ sequence, keep }: StreamPurgeRequest): ApiError | null {
  return sequence !== 0 && keep !== 0 ? apiError("BadRequest") : null;
}

export interface Page {
  /** Index of the first item. */
  readonly offset: number;
  /** Index after the last item. */
  readonly end: number;
}

/** Which items of a list an answer has. Offsets before the list and behind it are moved to its ends. */
export function pageOf(offset: Integer, total: number, limit: number): Page {
  const first = offset < 0 ? 0 : offset > total ? total : Number(offset);
  return { offset: first, end: Math.min(total, first + limit) };
}
