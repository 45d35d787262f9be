/**
 * Files with private keys, as they go to the browser.
 *
 * @module
 */

import { AppError } from "../../errors.ts";
import type { Api } from "../api_access.ts";
import type { Reply, SignedIn } from "../route.ts";
import { TEXTS } from "../texts.ts";

/** Files that there are. */
export type KeyFile = "profile" | "p12" | "p12-compatible" | "bundle";

/** How a file is asked for, and what the browser is told of it. */
const FILES: Readonly<
  Record<KeyFile, {
    readonly mediaType: string;
    readonly filename: string;
    fetch(
      api: Api,
      id: string,
      form: Readonly<Record<string, string>> & { password: string },
    ): Promise<Uint8Array>;
  }>
> = {
  profile: {
    mediaType: "application/x-apple-aspen-config",
    filename: "setup.mobileconfig",
    fetch: (api, id, { password, withCredential }) =>
      api.downloadProfile(id, {
        password,
        "with_credential": withCredential === "yes",
      }),
  },
  p12: {
    mediaType: "application/x-pkcs12",
    filename: "certificate.p12",
    fetch: (api, id, { password }) =>
      api.downloadPkcs12({ "vaultbox_id": id, password }),
  },
  "p12-compatible": {
    mediaType: "application/x-pkcs12",
    filename: "certificate-compatible.p12",
    fetch: (api, id, { password }) =>
      api.downloadPkcs12({
        "vaultbox_id": id,
        password,
        format: "compatible",
      }),
  },
  bundle: {
    mediaType: "application/zip",
    filename: "bundle.zip",
    fetch: (api, id, { password }) =>
      api.downloadBundle({ "vaultbox_id": id, password }),
  },
};

/**
 * Gets the file that a form asks for.
 *
 * @param who Who asks.
 * @param id UUID of the vaultbox.
 * @param form Which file, and its password.
 * @returns The file.
 * @throws What the API refuses, `invalid_request` if there is no such file.
 */
export async function download(
  { api }: SignedIn,
  id: string,
  form: Readonly<Record<string, string>>,
): Promise<Reply> {
  const { file = "", password = "" } = form;
  if (!Object.hasOwn(FILES, file)) {
    throw new AppError("invalid_request", TEXTS.device.noFile);
  }
  const { mediaType, filename, fetch } = FILES[file as KeyFile];
  const octets = await fetch(api, id, { ...form, password });
  return { octets: new Uint8Array(octets), mediaType, filename };
}
