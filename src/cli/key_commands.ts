/**
 * The part of the table of commands that is about certificates and keys.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands on bundles, certificates and custody, in the order of the help. */
export const KEY_COMMANDS: readonly Command[] = [
  {
    name: "bundle",
    usage: "ADDRESS | ID [--password-stdin] >FILE",
    summary:
      "Write the ZIP bundle with the keys of a vaultbox to standard output",
    help: [
      "--password-stdin  read the password from standard input; else one is made and",
      "                  shown once, on standard error",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./certificates.ts")).runBundle(args, io),
  },
  {
    name: "certificate list",
    usage: "ADDRESS | ID",
    summary:
      "List certificates: id, fingerprint, end, key, and what they are for",
    run: async (args, io) =>
      (await import("./certificates.ts")).runCertificateList(args, io),
  },
  {
    name: "certificate generate",
    usage: "ADDRESS | ID [--key-type WORD]",
    summary: "Make a new key and a certificate, and print its fingerprint",
    help:
      "--key-type WORD  rsa-2048, rsa-3072, rsa-4096 or p-256; CERT_KEY_TYPE if left out",
    run: async (args, io) =>
      (await import("./certificates.ts")).runCertificateGenerate(args, io),
  },
  {
    name: "certificate upload",
    usage: "ADDRESS | ID <FILE",
    summary: "Add a certificate whose key is elsewhere, and print its id",
    run: async (args, io) =>
      (await import("./certificates.ts")).runCertificateUpload(args, io),
  },
  {
    name: "certificate request",
    usage: "ADDRESS | ID <FILE",
    summary: "Issue a certificate on a request (CSR), and print it",
    run: async (args, io) =>
      (await import("./certificates.ts")).runCertificateRequest(args, io),
  },
  {
    name: "certificate retire",
    usage: "ADDRESS | ID CERTIFICATE [--yes]",
    summary: "Say what a retirement means, and with --yes retire a certificate",
    help: [
      "CERTIFICATE  id of `certificate list`",
      "--yes        mail is no longer encrypted to it",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./certificates.ts")).runCertificateRetire(args, io),
  },
  {
    name: "certificate restore",
    usage: "ADDRESS | ID CERTIFICATE",
    summary: "Take the retirement of a certificate back",
    run: async (args, io) =>
      (await import("./certificates.ts")).runCertificateRestore(args, io),
  },
  {
    name: "custody show",
    usage: "ADDRESS | ID",
    summary: "Show who holds the private keys of a vaultbox",
    run: async (args, io) =>
      (await import("./custody.ts")).runCustodyShow(args, io),
  },
  {
    name: "custody set",
    usage: "ADDRESS | ID server|client|external [--yes]",
    summary: "Say what a change of custody means, and with --yes make it",
    help: [
      "--yes  change it; no key is destroyed by that",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./custody.ts")).runCustodySet(args, io),
  },
  {
    name: "custody confirm",
    usage: "ADDRESS | ID <FILE",
    summary: "Confirm the bundle that FILE is; the keys in it are destroyed",
    help: [
      "This cannot be undone: without the file and its password, mail that is encrypted",
      "to these keys is lost. Import the file first, and open a message with it.",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./custody.ts")).runCustodyConfirm(args, io),
  },
  {
    name: "custody take-back",
    usage: "ADDRESS | ID",
    summary: "Retire what an unconfirmed bundle has, and make a new key",
    run: async (args, io) =>
      (await import("./custody.ts")).runCustodyTakeBack(args, io),
  },
  {
    name: "custody destroy-key",
    usage: "ADDRESS | ID CERTIFICATE [--fingerprint HEX]",
    summary: "Say what a key is needed for, or destroy it, for good",
    help: [
      "CERTIFICATE        id of `certificate list`",
      "--fingerprint HEX  the certificate's: its key is destroyed",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./custody.ts")).runDestroyKey(args, io),
  },
];
