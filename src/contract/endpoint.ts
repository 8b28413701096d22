/** A TCP or UDP address. */
export interface Endpoint {
  host: string;
  port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `host:port`, `[v6]:port` or `host`; null when it is neither or no port is known. */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint | null {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:\s[\]/]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (!host || port === undefined || port < 1 || port > 65_535) return null;
  return { host, port };
}
