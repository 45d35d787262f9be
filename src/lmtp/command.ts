/**
 * Commands of LMTP, as octets.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc2033 | RFC 2033}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5321#section-4.1 | RFC 5321 §4.1}
 */

/** A command that was understood. */
export type Command =
  | { readonly verb: "LHLO" | "DATA" | "RSET" | "NOOP" | "QUIT" }
  | {
    readonly verb: "MAIL";
    /** Envelope sender, without quotes of the local part; empty for bounces. */
    readonly sender: string;
    /** RFC 1870: octets of the message, as the client estimates them. */
    readonly size: number;
  }
  | {
    readonly verb: "RCPT";
    /** Envelope recipient, without quotes of the local part. */
    readonly recipient: string;
  }
  | {
    readonly verb: "XFORWARD";
    /** Value of IDENT; undefined if it is not given or `[UNAVAILABLE]`. */
    readonly ident: string | undefined;
  };

/** A command that was not understood. */
export interface Misunderstood {
  /** Which it is; empty if it is none of ours. */
  readonly verb: "" | "refused";
}

/**
 * What is no UTF-8 becomes U+FFFD, as in the arguments of pipe(8)'s road: Postfix
 * passes on whatever octets it has taken as an address, and to refuse them would
 * bounce the mail in the end.
 */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * What a command line may not have. Other controls may be quoted in an address
 * (RFC 5322 §4.1), and those from U+0080 on are as good as any letter
 * (RFC 6531 §3.3).
 */
const CONTROL_REGEXP = /[\0\r\n]/;

/** Dot-string of RFC 5321 §4.1.2, with what RFC 6531 §3.3 adds. */
const DOT_STRING = '[^ "(),:;<>@\\[\\]\\\\]+';

/** Quoted-string of RFC 5321 §4.1.2, with what RFC 6531 §3.3 adds. */
const QUOTED_STRING = '"(?:[^"\\\\]|\\\\.)*"';

/** A source route, which is passed over: RFC 5321 appendix C. */
const SOURCE_ROUTE = "(?:@[^ :<>]+:)?";

const PATH_REGEXP = new RegExp(
  `^<${SOURCE_ROUTE}(${DOT_STRING}|${QUOTED_STRING})(@[^ <>"@]+)?>$`,
  "su",
);

/**
 * Reads a command line.
 *
 * @param line The line without its CRLF.
 * @returns The command; `refused` for one of ours with something wrong in it.
 */
export function parseCommand(line: Uint8Array): Command | Misunderstood {
  const text = decoder.decode(line);
  const [, name = "", rest = ""] = /^([A-Za-z]{1,16})(?: (.*))?$/s.exec(text) ??
    [];
  const args = rest.trim();
  const verb = name.toUpperCase();
  if (CONTROL_REGEXP.test(text)) return { verb: "refused" };
  switch (verb) {
    case "LHLO":
      return args === "" ? { verb: "refused" } : { verb };
    case "NOOP":
      return { verb };
    case "DATA":
    case "RSET":
    case "QUIT":
      return args === "" ? { verb } : { verb: "refused" };
    case "MAIL":
      return parseMail(args) ?? { verb: "refused" };
    case "RCPT":
      return parseRcpt(args) ?? { verb: "refused" };
    case "XFORWARD":
      return { verb, ident: identOf(args) };
    default:
      return { verb: "" };
  }
}

/** RFC 5321 §4.1.1.2, with the parameters of RFC 1870, RFC 6152 and RFC 6531. */
function parseMail(args: string): Command | undefined {
  const taken = takePath(args, "FROM:");
  if (taken === undefined) return undefined;
  let size = 0;
  for (const parameter of taken.parameters) {
    const [, name = "", value = ""] = /^([^=]+)(?:=(.+))?$/s.exec(parameter) ??
      [];
    switch (name.toUpperCase()) {
      case "SIZE":
        if (!/^\d{1,20}$/.test(value)) return undefined;
        size = Number(value);
        break;
      case "BODY":
        if (!/^(7BIT|8BITMIME)$/i.test(value)) return undefined;
        break;
      case "SMTPUTF8":
        if (value !== "") return undefined;
        break;
      default:
        return undefined;
    }
  }
  const sender = taken.path === "<>" ? "" : addressOf(taken.path);
  return sender === undefined ? undefined : { verb: "MAIL", sender, size };
}

/** RFC 5321 §4.1.1.3. */
function parseRcpt(args: string): Command | undefined {
  const taken = takePath(args, "TO:");
  if (taken === undefined || taken.parameters.length > 0) return undefined;
  const recipient = addressOf(taken.path);
  return recipient === undefined ? undefined : { verb: "RCPT", recipient };
}

/** Parts the path from the parameters behind it; `>` may stand in quotes. */
function takePath(
  args: string,
  keyword: string,
): { path: string; parameters: string[] } | undefined {
  if (args.slice(0, keyword.length).toUpperCase() !== keyword) return undefined;
  const match = /^(<(?:"(?:[^"\\]|\\.)*"|[^">])*>)((?: .*)?)$/su.exec(
    args.slice(keyword.length).trim(),
  );
  if (match === null) return undefined;
  return {
    path: match[1]!,
    parameters: match[2]!.split(" ").filter((each) => each !== ""),
  };
}

/** The address in a path, as pipe(8) names it: without quotes. */
function addressOf(path: string): string | undefined {
  const match = PATH_REGEXP.exec(path);
  if (match === null) return undefined;
  const [, local = "", domain = ""] = match;
  const bare = local.startsWith('"')
    ? local.slice(1, -1).replaceAll(/\\(.)/gsu, "$1")
    : local;
  return bare + domain;
}

/**
 * The attributes of XFORWARD are xtext; an IDENT that is a queue id has nothing
 * to decode.
 *
 * @see {@link https://www.postfix.org/XFORWARD_README.html | XFORWARD_README}
 */
function identOf(args: string): string | undefined {
  const match = /(?:^| )IDENT=(\S+)/i.exec(args);
  if (match === null || match[1] === "[UNAVAILABLE]") return undefined;
  return match[1];
}
