import type { Instance } from "@falkorpat/sdk";

/** instanceName is an instance as people write it: host:port, with brackets around an IPv6 address. */
export function instanceName({ host, port }: Instance): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
