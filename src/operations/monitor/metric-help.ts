/** Help texts of metrics whose name does not explain them. */
const HELP: Record<string, string> = {
  gnatsd_varz_auth_timeout: "time limit for authentication, seconds",
  gnatsd_varz_config_load_time: "when the configuration was read, milliseconds since 1970",
  gnatsd_varz_connections: "open client connections",
  gnatsd_varz_cores: "cores that the process may use",
  gnatsd_varz_cpu: "CPU time, percent of one core",
  gnatsd_varz_http_port: "port of monitoring; 0: none",
  gnatsd_varz_https_port: "port of monitoring with TLS; 0: none",
  gnatsd_varz_in_bytes: "bytes of messages received",
  gnatsd_varz_in_msgs: "messages received",
  gnatsd_varz_leafnodes: "connected leaf nodes",
  gnatsd_varz_max_connections: "allowed client connections",
  gnatsd_varz_max_control_line: "most bytes of a protocol line",
  gnatsd_varz_max_payload: "most bytes of a message",
  gnatsd_varz_max_pending: "most bytes waiting to be sent to a client",
  gnatsd_varz_mem: "resident memory, bytes",
  gnatsd_varz_out_bytes: "bytes of messages sent",
  gnatsd_varz_out_msgs: "messages sent",
  gnatsd_varz_ping_interval: "nanoseconds between PINGs to a client",
  gnatsd_varz_ping_max: "unanswered PINGs after which a client is closed",
  gnatsd_varz_slow_consumers: "connections that read more slowly than messages were sent to them",
  gnatsd_varz_stale_connections: "connections closed because PINGs were not answered",
  gnatsd_varz_stalled_clients: "times that a producer had to wait for a consumer",
  gnatsd_varz_start: "when the server started, milliseconds since 1970",
  gnatsd_varz_subscriptions: "subscriptions of all accounts",
  gnatsd_varz_tls_timeout: "time limit for a TLS handshake, seconds",
  gnatsd_varz_total_connections: "client connections ever accepted",
  gnatsd_varz_write_deadline: "time limit for a write, nanoseconds",
  gnatsd_connz_idle: "milliseconds since the last activity",
  gnatsd_connz_last_activity: "last activity, milliseconds since 1970",
  gnatsd_connz_rtt: "round trip, microseconds",
  gnatsd_connz_start: "when the connection was opened, milliseconds since 1970",
  gnatsd_connz_uptime: "milliseconds since the connection was opened",
  gnatsd_subsz_cache_hit_rate: "fraction of messages whose receivers were cached",
  gnatsd_subsz_avg_fanout: "average number of receivers of a cached subject",
  gnatsd_subsz_max_fanout: "largest number of receivers of a cached subject",
};

/** @param name full name of the metric */
export function helpOf(name: string): string {
  return HELP[name] ?? name.split("_").slice(2).join(" ");
}
