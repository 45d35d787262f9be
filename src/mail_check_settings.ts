/**
 * Settings of what is found out about mail that comes in.
 *
 * @module
 */

import type { Setting } from "./settings.ts";

/** The settings, in the order of the documentation. */
export const MAIL_CHECK_SETTINGS: readonly Setting[] = [
  {
    name: "ENCIMAP_MAIL_CHECKS",
    fallback: "off",
    kind: { type: "choice", of: ["off", "mark", "refuse"] },
    summary:
      "Whether mail on port 25 is checked (SPF, DKIM, DMARC) by the filters that install.sh sets up, which writes `mark` here: results are told in Authentication-Results and nothing is refused. `refuse` refuses what fails DMARC where the domain asks for that. After a change run install.sh.",
  },
  {
    name: "ENCIMAP_AUTHSERV_ID",
    kind: {
      type: "text",
      regexp: /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/,
      form: "a host name in lower case",
    },
    summary:
      "RFC 8601: the authserv-id of a filter of your own for incoming mail, whose Authentication-Results are believed. Set it only if that filter removes those that senders have written in its name, and only with ENCIMAP_MAIL_CHECKS=off.",
  },
];
