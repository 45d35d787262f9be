/**
 * The route of the machine.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { AppError } from "../../errors.ts";
import { machineCheck } from "../../vaultbox/machine.ts";
import { MACHINE, machineJson } from "../machine_answers.ts";
import { type Route, route } from "../route.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function machineRoutes(app: App): Route[] {
  const look = machineCheck(app);
  return [
    route({
      method: "GET",
      path: "/machine",
      operation: "getMachine",
      summary:
        "Shows how the machine is: services, queue, disk, what doctor has found",
      scope: "admin",
      answer: { status: 200, data: MACHINE },
      async handle({ actor }) {
        // What doctor has found may name anybody's addresses.
        if (actor.owner !== undefined) {
          throw new AppError("forbidden", "The machine is no user's");
        }
        return { data: machineJson(await look()) };
      },
    }),
  ];
}
