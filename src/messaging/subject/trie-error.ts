/** Why the trie refuses; the texts are the reference's, which reach logs and API answers. */
export enum TrieError {
  InvalidSubject = "sublist: invalid subject",
  NoMatchesFound = "sublist: no matches found",
  /** A notification without anybody to notify. The compiler excludes it here; embedders without one may meet it. */
  NilChannel = "sublist: nil channel",
  AlreadyRegistered = "sublist: notification already registered",
}
