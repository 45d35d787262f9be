/**
 * What components take and return.
 *
 * @module
 */

/** HTML in which every text is escaped. */
export type Escaped = string & { isEscaped: true };

/** What a component returns, as hono's JSX has it. Ours never wait. */
export type Html = Escaped | Promise<Escaped>;

/** What may stand between the tags of a component. */
export type Content =
  | string
  | number
  | boolean
  | null
  | undefined
  | Html
  | Content[];
