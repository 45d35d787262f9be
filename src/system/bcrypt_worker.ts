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
  const { id, password, cost } = data;
  const response: HashResponse = { id, hash: bcrypt.hashSync(password, cost) };
  self.postMessage(response);
};
