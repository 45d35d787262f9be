/**
 * Settings of the dashboard.
 *
 * @module
 */

import type { Setting } from "./settings.ts";

/** The settings of the dashboard, checked. */
export interface DashboardConfig {
  /** Whether install.sh runs it: where ENCIMAP_DASHBOARD_URL is set. */
  readonly isOn: boolean;
  /** ENCIMAP_DASHBOARD_PORT. */
  readonly port: number;
  /** ENCIMAP_DASHBOARD_URL: an origin, without a slash at its end. */
  readonly url: string;
  /** ENCIMAP_DASHBOARD_PATH. */
  readonly path: string;
  /** ENCIMAP_DASHBOARD_PLATFORM: an origin; undefined where there is none. */
  readonly platform: string | undefined;
}

/** An origin, RFC 6454 section 6.2; without TLS on this machine alone. */
const ORIGIN = {
  type: "text",
  regexp:
    /^(https:\/\/[a-z0-9.-]{1,253}|http:\/\/(localhost|127\.0\.0\.1))(:[1-9]\d{0,4})?$/,
  form: "https:// and a host name, with nothing behind it but a port",
} as const;

/** The settings, in the order of the documentation. */
export const DASHBOARD_SETTINGS: readonly Setting[] = [
  {
    name: "ENCIMAP_DASHBOARD_PORT",
    fallback: "3000",
    kind: { type: "int", min: 1, max: 65535 },
    summary:
      "Port of the dashboard on 127.0.0.1. A web server with TLS stands in front of it.",
  },
  {
    name: "ENCIMAP_DASHBOARD_URL",
    kind: ORIGIN,
    summary:
      "Where browsers find the dashboard, without a slash at the end; `https://` and ENCIMAP_HOSTNAME where not set. Forms from anywhere else are refused. Where it is set, install.sh runs the dashboard; after a change run it again.",
  },
  {
    name: "ENCIMAP_DASHBOARD_PATH",
    fallback: "/var/lib/encimap-dashboard",
    kind: {
      type: "text",
      regexp: /^\/[\x21-\x7e]*$/,
      form: "an absolute path",
    },
    summary:
      "Folder with the dashboard's accounts and sessions, closed to everybody else.",
  },
  {
    name: "ENCIMAP_DASHBOARD_PLATFORM",
    kind: ORIGIN,
    summary:
      "Origin of the platform whose pages may sign its users in to the dashboard with a token; nobody's where not set.",
  },
];

/**
 * Makes the dashboard's part of the configuration.
 *
 * @param values Checked values by name.
 * @returns The part.
 */
export function dashboardConfig(
  values: ReadonlyMap<string, string>,
): DashboardConfig {
  return Object.freeze({
    isOn: values.has("ENCIMAP_DASHBOARD_URL"),
    port: Number(values.get("ENCIMAP_DASHBOARD_PORT")),
    url: values.get("ENCIMAP_DASHBOARD_URL") ??
      `https://${values.get("ENCIMAP_HOSTNAME")}`,
    path: values.get("ENCIMAP_DASHBOARD_PATH")!,
    platform: values.get("ENCIMAP_DASHBOARD_PLATFORM"),
  });
}
