/**
 * `encimap config describe`: the documentation of the settings.
 *
 * @module
 */

import { formOf } from "../setting_kind.ts";
import { SETTINGS } from "../settings.ts";

/**
 * Describes all settings as the text of docs/configuration.md.
 *
 * @returns Markdown.
 */
export function describeConfig(): string {
  const rows = SETTINGS.map((setting) => {
    const names = setting.secret
      ? `\`${setting.name}\`, \`${setting.name}_FILE\``
      : `\`${setting.name}\``;
    const fallback = setting.fallback === undefined
      ? "not set"
      : `\`${setting.fallback}\``;
    return `| ${names} | ${fallback} | ${
      formOf(setting.kind)
    } | ${setting.summary} |`;
  });
  return [
    "# Configuration",
    "",
    "Made by `encimap config describe`; a test compares this file with its output.",
    "",
    "The program reads `/etc/encimap/encimap.env` (another file where",
    "`ENCIMAP_CONFIG_FILE` names one), lines of `NAME=value`; variables of the",
    "environment win. A setting with a `_FILE` form is a secret: the file holds the",
    "value, and a last newline is cut off. Names that begin with `ENCIMAP_`,",
    "`MOTORICAL_` or `INTAKE_` and are not in this table are errors. `encimap config",
    "check` prints every problem, `encimap config show` what is in force.",
    "",
    "| setting | default | form | meaning |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
