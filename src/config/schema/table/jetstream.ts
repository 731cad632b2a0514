/** Options of JetStream. In a file `jetstream` and `store_dir` set them, because the directory may stand in either of them. */
import { domainFault } from "../../../jetstream/config/domain.ts";
import { JETSTREAM_OFF, type JetStreamOptions } from "../../../jetstream/config/jetstream-options.ts";
import { jetStreamShape } from "../given/jetstream-shape.ts";
import * as given from "../given/shape.ts";
import { jetStreamRefusal, storeDirectoryRefusal } from "../reload/jetstream-refusal.ts";
import { textFlag, textOrNull } from "../row/flag-row.ts";
import { option } from "../row/option-row.ts";

export const JETSTREAM_TABLE_OPTIONS = {
  jetStream: option<JetStreamOptions>({
    names: "",
    reader: null,
    given: jetStreamShape,
    initial: JETSTREAM_OFF,
    initialText: "false",
    check: ({ domain }) => domainFault(domain), // also while JetStream is off, as in the reference
    text: "JetStream: streams of stored messages",
    reload: "live",
    reloadText: "on, off, larger stores, and `limits`: live; all else: fixed",
    refuse: jetStreamRefusal,
    goName: "JetStream",
  }),
  storeDirectory: option<string | null>({
    names: "",
    reader: null,
    given: given.orNull(given.text),
    initial: null,
    text: "directory of JetStream; in a program `jetStream.storeDirectory`",
    reload: "live",
    reloadText: "fixed while JetStream is on",
    flags: [textFlag("sd store_dir", "JetStream", "dir", "Set the storage directory", textOrNull)],
    refuse: storeDirectoryRefusal,
    goName: "StoreDir",
  }),
};
