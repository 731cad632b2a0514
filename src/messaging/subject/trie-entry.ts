/** An entry of the subject trie. The trie knows no sinks, connections or accounts, only the fields below. */

/** Where the subscriber of an entry is connected. */
export enum Origin {
  /** A subscription of this server: CLIENT, SYSTEM, JETSTREAM, ACCOUNT. */
  Local = 0,
  /** A leaf connection for which this server is the hub. */
  LeafHub = 1,
  /** A leaf connection for which this server is the spoke. */
  LeafSpoke = 2,
  /** A route, for a plain or client subscription of another server of the cluster. */
  Route = 3,
  /** A route, for a leaf connection of another server (received as LS+). */
  RouteLeaf = 4,
  Gateway = 5,
}

export interface TrieEntry {
  /** The subscribed pattern, owned by the entry, never modified while it is in a trie. */
  readonly subject: Uint8Array;
  /** Queue group name, owned by the entry; null for a plain subscription. */
  readonly queue: Uint8Array | null;
  readonly origin: Origin;
  /** Number of remote members that a remote queue entry represents; 1 for a local entry. Changed only by `SubjectTrie.setWeight`. */
  weight: number;
}
