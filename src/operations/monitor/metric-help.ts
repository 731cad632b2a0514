/** Help texts of metrics whose name does not explain them. */
const HELP: Record<string, string> = {
  gnatsd_varz_auth_timeout: "seconds that clients have to authenticate",
  gnatsd_varz_config_load_time: "when the configuration was read, milliseconds since 1970",
  gnatsd_varz_connections: "open client connections",
  gnatsd_varz_cores: "cores that the process may use",
  gnatsd_varz_cpu: "CPU time, percent of one core",
  gnatsd_varz_http_port: "port of monitoring; 0: none",
  gnatsd_varz_https_port: "port of monitoring with TLS; 0: none",
  gnatsd_varz_in_bytes: "bytes of messages received",
  gnatsd_varz_in_msgs: "messages received",
  gnatsd_varz_leafnodes: "connected leaf nodes",
  gnatsd_varz_max_connections: "client connections that are allowed",
  gnatsd_varz_max_control_line: "bytes that a protocol line may have",
  gnatsd_varz_max_payload: "bytes that a message may have",
  gnatsd_varz_max_pending: "bytes that may wait to be sent to a client",
  gnatsd_varz_mem: "resident memory, bytes",
  gnatsd_varz_out_bytes: "bytes of messages sent",
  gnatsd_varz_out_msgs: "messages sent",
  gnatsd_varz_ping_interval: "nanoseconds between questions whether a client is there",
  gnatsd_varz_ping_max: "unanswered questions after which a client is gone",
  gnatsd_varz_slow_consumers: "connections that did not read as fast as they were sent to",
  gnatsd_varz_stale_connections: "connections that did not answer any more",
  gnatsd_varz_stalled_clients: "times that a producer had to wait for a consumer",
  gnatsd_varz_start: "when the server started, milliseconds since 1970",
  gnatsd_varz_subscriptions: "subscriptions of all accounts",
  gnatsd_varz_tls_timeout: "seconds that a TLS handshake may take",
  gnatsd_varz_total_connections: "client connections ever accepted",
  gnatsd_varz_write_deadline: "nanoseconds that a write may take",
  gnatsd_connz_idle: "milliseconds since the last activity",
  gnatsd_connz_last_activity: "last activity, milliseconds since 1970",
  gnatsd_connz_rtt: "round trip, microseconds",
  gnatsd_connz_start: "when the connection was opened, milliseconds since 1970",
  gnatsd_connz_uptime: "milliseconds since the connection was opened",
  gnatsd_subsz_cache_hit_rate: "part of the messages whose receivers were remembered",
  gnatsd_subsz_avg_fanout: "receivers of a remembered subject, on average",
  gnatsd_subsz_max_fanout: "receivers of a remembered subject, at most",
};

/** @param name full name of the metric */
export function helpOf(name: string): string {
  return HELP[name] ?? name.split("_").slice(2).join(" ");
}
