/**
 * Every word that the dashboard says, with those of texts_vaultbox.ts. A
 * translation is another such table.
 *
 * @module
 */

import type { Role } from "./roles.ts";
import { VAULTBOX_TEXTS } from "./texts_vaultbox.ts";

/** The texts, by page. */
export const TEXTS = {
  ...VAULTBOX_TEXTS,
  product: "Encimap",
  skip: "Skip to the content",
  navigation: "Main",
  signOut: "Sign out",
  roles: {
    operator: "Operator",
    customer: "Customer",
    owner: "Vaultbox owner",
  } satisfies Record<Role, string>,
  none: "–",
  signIn: {
    title: "Sign in",
    login: "Name or mail address",
    password: "Password",
    code: "Code, if you have turned codes on",
    codeHelp: "Six digits of your authenticator app, or a recovery code.",
    button: "Sign in",
    wrong: "Name, password or code is wrong. Check all of them and try again.",
    wait: (minutes: number): string =>
      `Too many attempts. Try again in ${minutes} ${
        minutes === 1 ? "minute" : "minutes"
      }. A browser that you have signed in with before does not have to wait.`,
    forgotten:
      "No account or no password? Ask whoever runs this mail server for a link.",
  },
  invitation: {
    title: "Set up your account",
    reset: "Choose a new password",
    login: "Name or mail address",
    loginHelp:
      "What you will sign in with: letters without accents, digits and . _ + - @",
    password: "New password",
    passwordHelp: "At least 12 characters. A sentence is good.",
    again: "The same password again",
    button: "Save and sign in",
    gone: "This link does not work",
    goneHelp:
      "It was used, or its time is over. Ask whoever sent it for another one.",
    problems: {
      login:
        "The name has to be 2 to 254 letters without accents, digits or . _ + - @",
      short: "The password needs at least 12 characters.",
      long: "The password is too long: at most 72 octets are looked at.",
      again: "The two passwords are not the same.",
      taken: "Somebody has that name already. Choose another one.",
    },
  },
  account: {
    title: "Your account",
    sessions: "Where you are signed in",
    client: "Browser",
    since: "Since",
    seen: "Last seen",
    current: "this one",
    endAll: "Sign out everywhere",
    endAllHelp:
      "Ends all of them, this one too, and asks your browsers for everything again.",
    codes: "Codes at sign-in",
    codesOn: "On: signing in needs a code of your authenticator app.",
    codesOff:
      "Off. With codes, whoever has learnt your password still cannot sign in.",
    turnOn: "Turn codes on",
    turnOff: "Turn codes off",
    setUp: "Turn codes on",
    setUpKey:
      "Scan the picture with an authenticator app, type this key into one, or open the link on the device that has one.",
    setUpQr: "QR code of the key",
    setUpLink: "Open in an authenticator app",
    code: "Code that the app shows now",
    wrongCode: "The code is wrong. Check that the device's clock is right.",
    recovery: "Recovery codes",
    recoveryHelp:
      "Each signs you in once when the app is lost. Print them: they are shown only now.",
    password: "Your password",
    former: "Password until now",
    change: "Change the password",
    wrongPassword: "The password until now is wrong.",
    platform: "You were signed in by the platform; your account is there.",
  },
  errors: {
    noName: "The form is not complete. Open the page again.",
    back: "Back to the overview",
    request: (id: string): string => `Number of this request: ${id}`,
    "400": [
      "That did not work",
      "Go back, check what you have typed and send it again.",
    ],
    "401": [
      "You were not signed in",
      "The token is not valid, or was used before. Go back to where you came from and try again.",
    ],
    "403": [
      "The form was not accepted",
      "It was open for too long, or came from another page. Open the page again and repeat what you did.",
    ],
    "404": [
      "There is nothing here",
      "The address is wrong, what it names was deleted, or your account may not see it.",
    ],
    "409": [
      "That did not work",
      "Something has changed meanwhile. Look at the page again.",
    ],
    "429": ["Too many requests", "Wait a minute and try again."],
    "500": [
      "Something went wrong here",
      "It is not your fault. Try again; if it happens again, tell whoever runs this mail server the number below.",
    ],
    "503": [
      "The mail server's control does not answer",
      "Mail is not affected. Try again in a minute.",
    ],
  },
  nav: {
    overview: "Overview",
    vaultboxes: "Vaultboxes",
    domains: "Domains",
    customers: "Customers",
    people: "People",
    audit: "Log",
    machine: "Machine",
    tokens: "Tokens",
    account: "Account",
  },
  done: {
    renewed:
      "There is a new certificate. Set up each device again, so that it can read what comes from now on.",
    password: "The password is changed, and all other browsers are signed out.",
    created: "The vaultbox is there. Next: a mail password for each device.",
    deleted: "Deleted.",
    saved: "Saved.",
    added: "Added.",
    verified: "The record is there: the domain is hosted.",
  } as Readonly<Record<string, string>>,
  overview: {
    title: "Overview",
    vaultboxes: "vaultboxes",
    messages: "messages stored",
    used: "used",
    newestMail: "newest mail",
    expiring: "certificates end soon",
    expired: "certificates have ended",
    stopped: "stopped for sending too much",
    begin: "Begin here",
    beginDomain:
      "Add the domain whose mail is to be encrypted. You need access to its DNS.",
    beginVaultbox:
      "Create a vaultbox: an address whose mail is encrypted as it comes in.",
    newest: "Newest vaultboxes",
    health: "Services",
    healthy: "All of them work.",
    unhealthy:
      "Not all of them work. On the machine, “encimap doctor” says what to do.",
    services: {
      database: "Database",
      storage: "Mail store",
      mta: "Postfix (takes and sends mail)",
      imap: "Dovecot (IMAP)",
    },
    doctorFailed: "The last check of the machine has found what does not work:",
    more: "Queue, disk, backups and all checks:",
  },
  machine: {
    title: "Machine",
    version: (version: string): string => `Encimap ${version}`,
    queue: "Mail that waits in Postfix’s queue",
    queueHelp:
      "It lies there as it came, in clear. On the machine, “postqueue -p” says why it waits.",
    queueUnread: "The queue cannot be read now.",
    queueHeads: ["Queue", "Messages", "Size", "Oldest"],
    queues: {
      maildrop: "sent on this machine (maildrop)",
      incoming: "coming in (incoming)",
      active: "on its way (active)",
      deferred: "waits for another attempt (deferred)",
      hold: "on hold until it is released (hold)",
    },
    age: (seconds: number): string =>
      seconds < 120
        ? `${seconds} s`
        : seconds < 7200
        ? `${Math.floor(seconds / 60)} min`
        : seconds < 172_800
        ? `${Math.floor(seconds / 3600)} h`
        : `${Math.floor(seconds / 86_400)} days`,
    disk: "Disk of the mail store",
    diskUnread: "The intake does not answer, so the disk is not known.",
    free: "Free",
    freeOf: (free: string, total: string): string => `${free} of ${total}`,
    minFree: "No mail is taken with less than",
    full:
      "The disk is full: mail is not taken, and waits at its senders and in the queue. Free space.",
    backups: "Backups",
    noBackup: "“encimap doctor” has said nothing of backups.",
    checks: "Checks",
    checkHeads: ["State", "Check"],
    noReport:
      "There is no report yet: a timer makes one each day. To have one now, run this on the machine:",
    reportUnread: "The database does not answer, so the report is not known.",
    statuses: {
      ok: "All is well.",
      warning: "Nothing has failed, and there is something to look at.",
      failed: "Something does not work. Begin with the first line.",
    },
    at: "“encimap doctor” ran at",
    stale:
      "It should run each day: “systemctl status encimap-check.timer” says why it did not.",
    states: {
      failed: "failed",
      warning: "to be looked at",
      skipped: "not looked at",
      ok: "fine",
    },
  },
  vaultboxes: {
    title: "Vaultboxes",
    search: "Search",
    searchHelp: "cat@pets.example, @pets.example for a domain, cat@ for a name",
    status: "Status",
    anyStatus: "any",
    sort: "Order",
    sorts: {
      "-created_at": "newest first",
      "created_at": "oldest first",
      "address": "by address",
    },
    find: "Show",
    add: "New vaultbox",
    address: "Address",
    name: "Name",
    messages: "Messages",
    used: "Used",
    newestMail: "Newest mail",
    empty: "There is no vaultbox yet. Create one: it takes a minute.",
    notFound: "No vaultbox is like that. Search for less, or for all.",
  },
  pager: { first: "First page", next: "Next page" },
  states: { active: "active", suspended: "suspended" },
  custodies: {
    server: "This server keeps the private key",
    client: "The key is handed out once and then destroyed here",
    external: "The key was never here",
  },
  create: {
    title: "New vaultbox",
    alias: "Name before the @",
    domain: "Domain",
    name: "What you call it",
    nameHelp: "For you; the address if left empty.",
    custody: "Who holds the private key",
    custodyHelp:
      "If this server keeps it, you can set up further devices at any time. If not, whoever loses the key cannot read the mail any more, and nobody can help.",
    button: "Create",
    noDomain:
      "A vaultbox needs a domain. Add one first, and prove that it is yours.",
  },
  vaultbox: {
    facts: "About it",
    status: "Status",
    custody: "Private key",
    messages: "Messages",
    used: "Used",
    since: "Since",
    addresses: "Addresses",
    addressesHelp: "Mail to each of them comes into this vaultbox.",
    own: "its own",
    alias: "Further address",
    add: "Add",
    remove: (what: string): string => `Remove ${what}`.trim(),
    credentials: "Mail passwords",
    credentialsHelp:
      "One for each device, so that a lost one can be shut out alone.",
    noCredentials:
      "No device has a password yet. Make one: you type it into the mail program.",
    label: "Device",
    labelHelp: "Such as “Ann’s phone”.",
    scope: "For",
    scopes: {
      both: "reading and sending",
      imap: "reading",
      smtp: "sending",
    },
    lastUsed: "Last used",
    make: "Make a password",
    revoke: (what: string): string => `Revoke ${what}`.trim(),
    stop: "Stop or delete it",
    suspend: "Suspend",
    resume: "Take mail again",
    suspendHelp:
      "While it is suspended no mail comes in and no device gets in.",
    delete: "Delete this vaultbox",
  },
  password: {
    title: "New mail password",
    once: "It is shown only now. Type or copy it into the mail program.",
    username: "User name",
    password: "Password",
    imap: "Server for reading (IMAP)",
    submission: "Server for sending (SMTP)",
    server: (host: string, port: number, security: string): string =>
      `${host}, port ${port}, ${security}`,
    back: "Back to the vaultbox",
    goOn: "Next: the key",
  },
  remove: {
    title: (address: string): string => `Delete ${address}`,
    help:
      "Its mail, keys and passwords are deleted for good. Mail to it is refused from then on.",
    confirm: (address: string): string => `Type ${address} to confirm`,
    wrong: "That is another address.",
    button: "Delete for good",
  },
  tokens: {
    title: "Tokens for the API",
    help:
      "A program that makes vaultboxes or passwords signs in with a token. Your own back end makes them itself with the secret of the API; one from here is for a trial or a job by hand.",
    customer: "Customer (UUID)",
    customerHelp: "Empty: for the things of all customers.",
    may: "It may",
    scopes: {
      "vaultbox:read": "see vaultboxes, domains and the log",
      "vaultbox:write": "make, change and delete vaultboxes",
      "credential:write": "make and revoke mail passwords",
      "certificate:write": "renew and hand out certificates and keys",
      "domain:write": "add domains and give them up",
      "admin": "do what operators do: limits, the machine",
    },
    hours: "It works for",
    hoursOf: (hours: number): string =>
      hours === 1 ? "an hour" : `${hours} hours`,
    password: "Your password, once more",
    make: "Make a token",
    once: (time: string): string =>
      `The token is shown only now, and works for ${time}.`,
    example: "To try it, on the machine",
    takeBack:
      "It cannot be taken back alone. Whoever has it may use it until it ends, or until the secret of all tokens is changed.",
    another: "Make another one",
    noCustomer: "The customer is no UUID.",
    noScope: "Tick at least one thing that it may do.",
    noAdmin: "What operators do is for no customer.",
    noHours: "The form is not complete. Open the page again.",
    wrongPassword: "The password is wrong.",
    platform: "Who was signed in by the platform makes no tokens here.",
  },
  domains: {
    title: "Domains",
    domain: "Domain",
    status: "Status",
    pending: "waits for its record",
    hosted: "hosted",
    add: "Add a domain",
    addButton: "Add",
    customer: "Customer (UUID)",
    empty: "There is no domain yet.",
    challenge: "Show that the domain is yours",
    challengeHelp:
      "Set this TXT record where your domain’s DNS is managed, then look for it.",
    verify: "Look for the record",
    records: "Records for mail",
    recordsHelp:
      "Set them where your domain’s DNS is managed. Without the MX record no mail comes.",
    name: "Name",
    type: "Type",
    value: "Value",
    check: "Look whether they are there",
    found: "In DNS",
    states: {
      ok: "there",
      missing: "missing",
      wrong: "something else:",
      unknown: "DNS does not answer",
    },
    catchAll: "Mail to other addresses",
    catchAllHelp:
      "Mail to addresses of this domain that nobody has is refused, unless a vaultbox takes it.",
    catchAllTo: "Address of the vaultbox that takes it",
    noCatchAll: "Refuse it again",
    noVaultbox: "There is no vaultbox with that address.",
    giveUp: "Give the domain up",
    giveUpHelp: "Only a domain without vaultboxes can be given up.",
  },
} as const;
