/** Help texts of metrics whose name does not explain them. */
const HELP: Record<string, string> = {
  varz_auth_timeout: "time limit for authentication, seconds",
  varz_config_load_time: "when the configuration was read, milliseconds since 1970",
  varz_connections: "open client connections",
  varz_cores: "cores that the process may use",
  varz_cpu: "CPU time, percent of one core",
  varz_http_port: "port of monitoring; 0: none",
  varz_https_port: "port of monitoring with TLS; 0: none",
  varz_in_bytes: "bytes of messages received",
  varz_in_msgs: "messages received",
  varz_leafnodes: "connected leaf nodes",
  varz_max_connections: "allowed client connections",
  varz_max_control_line: "most bytes of a protocol line",
  varz_max_payload: "most bytes of a message",
  varz_max_pending: "most bytes waiting to be sent to a client",
  varz_mem: "resident memory, bytes",
  varz_out_bytes: "bytes of messages sent",
  varz_out_msgs: "messages sent",
  varz_ping_interval: "nanoseconds between PINGs to a client",
  varz_ping_max: "unanswered PINGs after which a client is closed",
  varz_slow_consumers: "connections that read more slowly than messages were sent to them",
  varz_stale_connections: "connections closed because PINGs were not answered",
  varz_stalled_clients: "times that a producer had to wait for a consumer",
  varz_start: "when the server started, milliseconds since 1970",
  varz_subscriptions: "subscriptions of all accounts",
  varz_tls_timeout: "time limit for a TLS handshake, seconds",
  varz_total_connections: "client connections ever accepted",
  varz_write_deadline: "time limit for a write, nanoseconds",
  connz_idle: "milliseconds since the last activity",
  connz_last_activity: "last activity, milliseconds since 1970",
  connz_rtt: "round trip, microseconds",
  connz_start: "when the connection was opened, milliseconds since 1970",
  connz_uptime: "milliseconds since the connection was opened",
  subsz_cache_hit_rate: "fraction of messages whose receivers were cached",
  subsz_avg_fanout: "average number of receivers of a cached subject",
  subsz_max_fanout: "largest number of receivers of a cached subject",
};

/** @param name of the metric without its prefix */
export function helpOf(name: string): string {
  return HELP[name] ?? name.split("_").slice(1).join(" ");
}
