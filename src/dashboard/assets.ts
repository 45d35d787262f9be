/**
 * The files that pages name. Their paths have a digest, so browsers keep them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import style from "./style.css" with { type: "text" };

/** A file. */
export interface Asset {
  /** Its path. */
  readonly path: string;
  /** Its media type. */
  readonly mediaType: string;
  /** Its content. */
  readonly text: string;
}

/** The style of every page. */
export const STYLE: Asset = asset("style", "css", "text/css", style);

/** All of them. */
export const ASSETS: readonly Asset[] = [STYLE];

function asset(
  name: string,
  suffix: string,
  mediaType: string,
  text: string,
): Asset {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const path = `/assets/${name}-${digest}.${suffix}`;
  return { path, mediaType: `${mediaType}; charset=utf-8`, text };
}
