/** Kinds of connections. Order and texts as in the reference. */
export enum ConnectionKind {
  Client = 0,
  Router,
  Gateway,
  System,
  Leaf,
  JetStream,
  Account,
}

/** Number of kinds. */
export const CONNECTION_KINDS = 7;

export const KIND_TEXTS: Record<ConnectionKind, string> = {
  [ConnectionKind.Client]: "Client",
  [ConnectionKind.Router]: "Router",
  [ConnectionKind.Gateway]: "Gateway",
  [ConnectionKind.System]: "System",
  [ConnectionKind.Leaf]: "Leafnode",
  [ConnectionKind.JetStream]: "JetStream",
  [ConnectionKind.Account]: "Account",
};
