/**
 * `encimap queue`: Postfix's queue in numbers.
 *
 * @module
 */

import { queueMetrics } from "../vaultbox/queue_metrics.ts";
import { lineHeads } from "../system/line_heads.ts";
import { EXIT, type Io } from "./command.ts";
import { parse } from "./operator.ts";

/** `queue`. */
export async function runQueue(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  io.print((await queueMetrics(lineHeads, new Date())).trimEnd());
  return EXIT.ok;
}
