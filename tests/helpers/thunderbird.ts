/**
 * A real Thunderbird without a screen, driven as a user drives it.
 *
 * @module
 */

import { type Connection, Marionette } from "./marionette.ts";

/** Milliseconds that an action may take. */
const LIMIT_MS = 150_000;

/** Starts it; its port is 2828. */
export const COMMAND =
  "thunderbird --headless --no-remote --marionette --remote-allow-system-access";

/** Settings of a profile that only keep it from asking and fetching things. */
const PREFERENCES: Record<string, string | boolean> = {
  "app.update.enabled": false,
  "datareporting.policy.dataSubmissionPolicyBypassNotification": true,
  "extensions.update.enabled": false,
  "mail.shell.checkDefaultClient": false,
  "mail.spotlight.firstRunDone": true,
  "mailnews.start_page.enabled": false,
};

/** A server in the settings that Thunderbird has found. */
export interface FoundServer {
  readonly host: string;
  readonly port: string;
  readonly username: string;
  /** Identifier of the words that are shown, such as "account-hub-result-ssl". */
  readonly security: string;
}

/** The settings that Thunderbird has found. */
export interface Found {
  readonly incoming: FoundServer & { readonly type: string };
  readonly outgoing: FoundServer;
}

/** What Thunderbird shows of a message. */
export interface Shown {
  /** Subject in the list. */
  readonly listSubject: string;
  /** Subject above the message. */
  readonly subject: string;
  /** Text of the message. */
  readonly body: string;
  /** "S/MIME" where it says so. */
  readonly technology: string | null;
  /** Icon of the encryption: "ok", "notok" or none. */
  readonly encrypted: string | null;
  /** Icon of the signature. */
  readonly signed: string | null;
  /** Attachments, their octets in Base64. */
  readonly attachments: readonly {
    readonly name: string;
    readonly type: string;
    readonly content: string;
  }[];
}

/** Thunderbird. */
export class Thunderbird {
  #session: Marionette;
  #actions: string;

  private constructor(session: Marionette, actions: string) {
    this.#session = session;
    this.#actions = actions;
  }

  /**
   * Takes over one that has just started.
   *
   * @param connection To its Marionette port.
   * @returns It.
   */
  static async open(connection: Connection): Promise<Thunderbird> {
    const actions = new URL("thunderbird_actions.js", import.meta.url);
    return new Thunderbird(
      await Marionette.open(connection, LIMIT_MS),
      await Deno.readTextFile(actions),
    );
  }

  /** Its version. */
  version(): Promise<string> {
    return this.#do("version");
  }

  /**
   * Takes a server's certificate for TLS that nobody vouches for.
   *
   * @param certificate DER in Base64.
   */
  trustServer(host: string, port: number, certificate: string): Promise<void> {
    return this.#do("trustServer", host, port, certificate);
  }

  /** Gives name and address; returns the settings that it finds. */
  findConfiguration(name: string, address: string): Promise<Found> {
    return this.#do("findConfiguration", name, address);
  }

  /** Gives the password; returns when the account is made. */
  async addAccount(address: string, password: string): Promise<void> {
    await this.#do("addAccount", address, password);
  }

  /**
   * Imports a PKCS#12 file.
   *
   * @param path On Thunderbird's machine.
   * @returns 0 if it worked.
   */
  importIdentity(path: string, password: string): Promise<number> {
    return this.#do("importIdentity", path, password);
  }

  /** Waits for a message in the inbox and looks at it. */
  read(address: string, messageId: string): Promise<Shown> {
    return this.#do("read", address, messageId);
  }

  // deno-lint-ignore no-explicit-any
  #do(name: string, ...args: unknown[]): Promise<any> {
    return this.#session.run(
      `${this.#actions}
      const [name, ...rest] = arguments;
      return actions[name](...rest);`,
      name,
      ...args,
    );
  }
}

/** The file user.js of a profile. */
export function userJs(more: Record<string, string | boolean> = {}): string {
  return Object.entries({ ...PREFERENCES, ...more }).map(([name, value]) =>
    `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`
  ).join("");
}
