/**
 * Comparison of what DNS has with what a domain needs.
 *
 * @module
 */

import type { App, Dns } from "../app.ts";
import { AppError } from "../errors.ts";
import type { DnsRecord } from "./publishing.ts";

/** What DNS says of a record. */
export interface CheckedRecord extends DnsRecord {
  /**
   * `missing`: nothing of this kind is there; `wrong`: something else is;
   * `unknown`: DNS cannot be asked.
   */
  readonly state: "ok" | "missing" | "wrong" | "unknown";
  /** What is there, of this kind. */
  readonly found: readonly string[];
}

/** How a TXT record is known, and when another one than ours is as good. */
interface TextKind {
  /** Begins all records of the kind. */
  readonly begins: RegExp;
  /** Whether another text does. */
  readonly isFine: (text: string, wanted: string) => boolean;
}

/** Owners write their own policies; what makes mail flow must be in them. */
const TEXT_KINDS: readonly TextKind[] = [
  // RFC 7208: whatever else may send, the servers in the MX record may.
  {
    begins: /^v=spf1( |$)/i,
    isFine: (text) => /(^| )\+?mx( |$)/i.test(text),
  },
  {
    begins: /^v=DMARC1\b/i,
    isFine: (text) => /;\s*p=(none|quarantine|reject)\b/i.test(text),
  },
  {
    begins: /^v=DKIM1\b|(^|;\s*)p=/i,
    isFine: (text, wanted) => keyOf(text) === keyOf(wanted),
  },
  {
    begins: /^v=STSv1\b/i,
    isFine: (text, wanted) => tags(text).get("id") === tags(wanted).get("id"),
  },
  { begins: /^v=TLSRPTv1\b/i, isFine: (text) => /;\s*rua=\S/i.test(text) },
];

/**
 * Compares a record with what DNS has.
 *
 * @param app Uses `dns`.
 * @param record What the domain needs.
 * @returns What there is.
 */
export async function checkRecord(
  app: Pick<App, "dns">,
  record: DnsRecord,
): Promise<CheckedRecord> {
  try {
    return { ...record, ...await compared(app.dns, record) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...record, state: "unknown", found: [] };
  }
}

async function compared(
  dns: Dns,
  { name, type, value }: DnsRecord,
): Promise<Pick<CheckedRecord, "state" | "found">> {
  const asked = name.replace(/\.$/, "");
  if (type === "TXT") return await comparedText(dns, asked, value);
  const found = await dns.lookup(asked, type);
  let isOk = found.some((each) =>
    significant(type, each) ===
      significant(type, value)
  );
  // An alias by other means, as at the top of a zone, leads to the same host.
  if (!isOk && type === "CNAME" && found.length === 0) {
    const there = await addresses(dns, asked);
    const ours = await addresses(dns, value.replace(/\.$/, ""));
    isOk = there.some((each) => ours.includes(each));
    found.push(...there);
  }
  return { state: isOk ? "ok" : found.length > 0 ? "wrong" : "missing", found };
}

async function comparedText(
  dns: Dns,
  name: string,
  value: string,
): Promise<Pick<CheckedRecord, "state" | "found">> {
  const wanted = [...value.matchAll(/"([^"]*)"/g)].map(([, part]) => part)
    .join("");
  const kind = TEXT_KINDS.find(({ begins }) => begins.test(wanted))!;
  const found = (await dns.txt(name)).filter((text) => kind.begins.test(text));
  if (found.length === 0) return { state: "missing", found };
  // Two of a kind are no policy for who reads them.
  const isOk = found.length === 1 &&
    (found[0] === wanted || kind.isFine(found[0]!, wanted));
  return { state: isOk ? "ok" : "wrong", found };
}

/** What has to agree: an owner may choose preference, priority and weight. */
function significant(type: DnsRecord["type"], value: string): string {
  const words = value.toLowerCase().replace(/\.$/, "").split(" ");
  switch (type) {
    case "MX":
      return words.slice(1).join(" ");
    case "SRV":
      return words.slice(2).join(" ");
  }
  return words.join(" ");
}

async function addresses(dns: Dns, name: string): Promise<string[]> {
  return [...await dns.lookup(name, "A"), ...await dns.lookup(name, "AAAA")];
}

function keyOf(text: string): string | undefined {
  return tags(text.replace(/\s/g, "")).get("p");
}

function tags(text: string): Map<string, string> {
  return new Map(
    text.split(";").flatMap((tag): [string, string][] => {
      const at = tag.indexOf("=");
      return at < 0
        ? []
        : [[tag.slice(0, at).trim(), tag.slice(at + 1).trim()]];
    }),
  );
}
