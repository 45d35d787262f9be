/**
 * The thread that makes password hashes; bcrypt.ts starts it.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import bcrypt from "bcryptjs";
import type { HashRequest, HashResponse } from "./bcrypt.ts";

self.onmessage = ({ data }: MessageEvent<HashRequest>): void => {
  const response: HashResponse = { id: data.id, hash: answer(data) };
  self.postMessage(response);
};

function answer({ password, by }: HashRequest): string {
  if (typeof by === "number") return bcrypt.hashSync(password, by);
  return bcrypt.compareSync(password, by) ? by : "";
}
