/** Switches of `feature_flags` that are known, and what they are unless somebody chooses. What they switch is JetStream's. */
export const FEATURE_FLAGS: Readonly<Record<string, boolean>> = {
  js_ack_fc_v2: false,
  js_api_reply_v2: false,
  js_raft_delete_range: true,
  js_snapshot_sources: false,
};

/** All that there are, with what the configuration says. */
export function mergedFeatureFlags(given: Readonly<Record<string, boolean>>): Record<string, boolean> {
  return Object.fromEntries(Object.entries(FEATURE_FLAGS).map(([name, initial]) => [name, given[name] ?? initial]));
}
