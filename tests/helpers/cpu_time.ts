/**
 * What a task costs, whatever else the machine does.
 *
 * @module
 */

import process from "node:process";

/**
 * Runs a task that waits for nothing. For tests that do not run in parallel: the
 * threads of this process are counted together.
 *
 * @param task The task.
 * @returns Milliseconds of CPU that this process took meanwhile.
 */
export function cpuTime(task: () => void): number {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
