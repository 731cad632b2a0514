/**
 * The order in which the reference compares options at a reload: of several changes that need a restart it reports the first, and it logs
 * the others in this order. Options that only this server has come last.
 */
const ORDER: readonly string[] = [
  ...[
    "ServerName",
    "Host",
    "Port",
    "ClientAdvertise",
    "Trace",
    "Debug",
    "TraceVerbose",
    "TraceHeaders",
    "NoSublistCache",
    "NoHeaderSupport",
  ],
  ...["Logtime", "LogtimeUTC", "MaxConn", "MaxSubs", "MaxSubTokens", "Authorization", "Accounts", "NoAuthUser", "DefaultSentinel"],
  ...[
    "SystemAccount",
    "NoSystemAccount",
    "ProxyProtocol",
    "PingInterval",
    "MaxPingsOut",
    "HTTPHost",
    "HTTPPort",
    "HTTPBasePath",
    "HTTPSPort",
  ],
  ...[
    "AuthTimeout",
    "MaxControlLine",
    "MaxPayload",
    "MaxPending",
    "NoFastProducerStall",
    "Cluster",
    "JetStream",
    "StoreDir",
    "JsAccDefaultDomain",
    "Websocket",
  ],
  ...["ProfPort", "ProfBlockRate", "PidFile", "PortsFileDir", "LogFile", "LogSizeLimit", "LogMaxFiles", "Syslog", "RemoteSyslog"],
  ...["TLSConfig", "AllowNonTLS", "WriteDeadline", "WriteTimeout", "MaxClosedClients", "LameDuckDuration", "LameDuckGracePeriod"],
  ...["MaxTracedMsgLen", "TrustedKeys", "TrustedOperators", "AccountResolver", "AccountResolverTLSConfig", "ConnectErrorReports"],
  ...["ReconnectErrorReports", "Tags", "Metadata", "FeatureFlags", "OCSPConfig", "Proxies", "OCSPCacheConfig"],
];

const POSITIONS: ReadonlyMap<string, number> = new Map(ORDER.map((name, position) => [name, position]));

/** @param goName the reference's name of an option */
export function reloadPosition(goName: string): number {
  return POSITIONS.get(goName) ?? ORDER.length;
}
