/**
 * A QR code on a page.
 *
 * @module
 */

import type { Html } from "./html.ts";
import { qrCode } from "./qr_code.ts";

/** Modules around the code that stay light. */
const QUIET = 4;

/** A picture of a text, always dark on light; nothing if it is too long. */
export function QrPicture(
  { text, title }: { text: string; title: string },
): Html | null {
  const rows = qrCode(text);
  if (rows === undefined) return null;
  const path = rows.flatMap((row, y) =>
    row.flatMap((isDark, x) =>
      isDark ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : []
    )
  ).join("");
  const size = rows.length + 2 * QUIET;
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={title}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}
