/**
 * The words of the pages of one vaultbox, and of lists: a part of texts.ts.
 *
 * @module
 */

/** The texts, by page. */
export const VAULTBOX_TEXTS = {
  sections: {
    facts: "Overview",
    device: "Set up a device",
    messages: "Messages",
    certificates: "Certificates",
    custody: "Private key",
    people: "People",
    settings: "Settings",
  },
  device: {
    which: "What is to read the mail?",
    kinds: {
      apple: "iPhone, iPad or Mac",
      thunderbird: "Thunderbird",
      outlook: "Outlook (classic) for Windows",
      android: "Android",
      other: "Another program",
    },
    labels: {
      apple: "iPhone",
      thunderbird: "Thunderbird",
      outlook: "Outlook",
      android: "Android",
      other: "Computer",
    },
    another: "Another kind of device",
    passwordStep: "1. A mail password",
    passwordHelp:
      "Make one for this device alone. It is shown once; type it into the mail program.",
    applePassword:
      "Nothing to do: the file below brings one along. Make one yourself only if you untick that.",
    fileStep: "2. The key",
    fileHelp:
      "The file has the key that opens the mail. Its password protects it on the way: write it down, the device asks for it.",
    filePassword: "Password of the file",
    filePasswordHelp:
      "Shown and kept nowhere else. You may choose another one, of 12 characters or more.",
    files: {
      profile: "Download setup.mobileconfig",
      p12: "Download certificate.p12",
      "p12-compatible": "Download certificate-compatible.p12",
      bundle: "All keys with instructions: bundle.zip",
    },
    noFile: "There is no such file.",
    withCredential: "The file brings a mail password along",
    external:
      "The key of this vaultbox was never here: take the file that you have made it with.",
    onlyCopy:
      "This file will be the only copy of the key: keep it and its password. When you have it, confirm it under",
    programStep: "3. In the program",
    appleSteps: [
      "iPhone, iPad: allow the download, then open Settings > Profile Downloaded > Install. Mac: open System Settings > General > Device Management and double-click the profile.",
      "Type the code of the device, and then the password of the file, once for each key. “Not Verified” is normal where the server has no certificate that Apple knows.",
      "Open Mail: the account is there, and messages open.",
    ],
    longWay: "With the certificate alone",
    account: (address: string, host: string): string =>
      `Account settings: user name ${address}, or the one that came with the mail password. IMAP: ${host}, port 993, SSL/TLS. SMTP: ${host}, port 587, STARTTLS.`,
    other: "It is another device than this one",
    otherHelp:
      "Make a link and open it on that device, within 15 minutes. It gives one file, once, and asks nobody to sign in.",
    makeLink: "Make a link",
    linkOnce:
      "Open this link on the device that is to read the mail, or scan the picture with its camera. It is shown only now.",
    qr: "QR code of the link",
    openLinks: "Links that still work",
    until: "Works until",
    takeBack: "Take back",
    back: "Back",
  },
  certificates: {
    help:
      "Mail is encrypted to each certificate that is in use. Those of before open the mail of their time.",
    certificate: "Certificate",
    state: "State",
    ends: "Ends",
    begins: "Begins",
    key: "Private key",
    keyStates: {
      elsewhere: "never here",
      kept: "kept here",
      destroying: "is being destroyed",
      destroyed: "destroyed here",
    },
    inUse: "in use",
    notInUse: "not in use",
    retired: "retired",
    ended: "has ended",
    renew: "A new one",
    renewHelp:
      "Certificates are renewed in time. Make one now if a device with the key was lost, and retire the one of before.",
    renewButton: "Make a new certificate",
    upload: "One of your own",
    pem: "Certificate (PEM)",
    pemHelp:
      "Without its private key. Mail is encrypted to it, too, from then on.",
    uploadButton: "Add the certificate",
    fingerprint: "SHA-256",
    subject: "Subject",
    addresses: "Addresses",
    algorithm: "Key",
    origin: "Made by",
    origins: {
      generated: "this server, with its key",
      uploaded: "somebody else",
      csr: "this server, for your key",
    },
    handedOut: "Key was handed out",
    messages: "Messages that it opens",
    downloadPem: "Download (PEM)",
    downloadDer: "Download (DER)",
    retire: "Retire it",
    restore: "Use it again",
    destroy: "Destroy its private key",
    destroyConfirm: "Type its SHA-256 to confirm",
    back: "All certificates",
  },
  custody: {
    kept: "Keys kept here",
    destroyed: "Keys destroyed here",
    newestEnds: "Newest certificate ends",
    renewedBy: "Renewed by",
    renewers: { appliance: "this server", owner: "you" },
    change: "Change who holds the key",
    changeHelp:
      "The next page says what that means; nothing is changed before.",
    next: "What would that mean?",
    already: "It is so already.",
    leave: "Back",
    handOut: "A bundle waits for its confirmation",
    handOutSince: (files: number): string =>
      files === 1 ? "One was handed out" : `${files} were handed out, since`,
    repeat: "Another one can be had until",
    confirmHelp:
      "When you have the file, and another copy of it, confirm it: then the keys here are destroyed. To show that you have all of it, type its SHA-256, as one of these commands prints it:",
    digestCommands: [
      "sha256sum bundle.zip                     (Linux)",
      "shasum -a 256 bundle.zip                 (Mac)",
      "certutil -hashfile bundle.zip SHA256     (Windows)",
    ],
    digest: "SHA-256 of the file",
    noDigest: "A SHA-256 has 64 digits of 0 to 9 and a to f.",
    wrongDigest:
      "No file with this SHA-256 was handed out. Check that the download was complete.",
    confirm: "I have it: destroy the keys here",
    takeBackHelp:
      "If the file was lost or somebody else may have it: take it back. A new key is made, and mail goes to that one alone from then on.",
    takeBack: "Take the bundle back",
    receipt: "The keys are destroyed here.",
    destroyedAt: "Destroyed",
  },
  settings: {
    save: "Save",
    name: "Name",
    publish:
      "Anybody who knows the address may get its certificate, to send encrypted mail",
    encryption: "How mail is encrypted",
    encryptionHelp:
      "What every mail program reads is set already. Not every one reads the rest: try it first, with a mail that has a code in it.",
    policy: {
      "content_cipher": "Cipher",
      "key_transport": "Encryption of keys",
      "header_protection": "Header fields",
    },
    values: {
      "content_cipher": {
        "aes-128-cbc": "AES-128-CBC",
        "aes-256-cbc": "AES-256-CBC",
        "aes-256-gcm": "AES-256-GCM",
      },
      "key_transport": {
        "rsaes-pkcs1-v1_5": "RSA, PKCS #1 v1.5",
        "rsaes-oaep": "RSA-OAEP",
      },
      "header_protection": {
        off: "outside alone",
        protect: "inside, too (RFC 9788)",
        hide: "inside, and no subject outside",
      },
    },
    unset: (value: string): string => `as this server does (${value})`,
    explicit: "Without a trial: my programs read it",
    tryFirst: "Try it first",
    trial: "Try it",
    trialHelp:
      "A mail with a code was sent into this vaultbox, encrypted as you want it. If you can read it, type the code.",
    code: "Code in the mail",
    confirm: "I can read it: switch it on",
    limits: "Limits",
    usedNow: (messages: number, size: string): string =>
      `Used now: ${messages} messages, ${size}.`,
    bytes: "Megabytes, at most",
    messages: "Messages, at most",
    noLimit: "Empty: no limit.",
    noNumber: "A limit is a number, or empty.",
  },
  messages: {
    empty: "No mail has come in yet.",
    help:
      "What this server knows of them. Nobody but you can read what stands in them.",
    chart: (days: number): string => `Messages of ${days} days`,
    chartWords: (days: number, count: number, isPart: boolean): string =>
      `Messages of each of the last ${days} days; ${
        isPart ? "more than" : "in all"
      } ${count}`,
    part: (count: number): string =>
      `The newest ${count} are counted; there were more.`,
    at: "Came in",
    from: "From",
    to: "To",
    size: "Size",
    by: "Encrypted by",
    encrypters: { appliance: "this server", sender: "the sender" },
  },
  bulk: {
    title: "Many new vaultboxes",
    list: "Addresses, one in each line",
    listHelp: (most: number): string =>
      `At most ${most} lines. A name may follow behind a comma, as in CSV: cat@pets.example, Tom`,
    button: "Create them",
    patience: "A key is made for each: a hundred take up to a minute.",
    wait: (count: number): string =>
      `Vaultboxes to create: ${count}. What is done stands below, and at the end how many there are. If that does not come, load this page again: none is made twice.`,
    noLines: "There is no address.",
    tooMany: (most: number): string =>
      `These are too many lines: at most ${most} at once.`,
    noAddress: (line: string): string => `This is no address: ${line}`,
    noDomain: "One of the domains is not here. Add it first.",
    results: "What became of them",
    made: (count: number, all: number): string =>
      `Vaultboxes created: ${count} of ${all}.`,
    there: "created",
    notTried: "not tried",
  },
  people: {
    title: "People",
    empty: "Nobody has an account yet.",
    notFound: "Nobody has a name like that.",
    login: "Name",
    may: "May act as",
    codes: "Codes",
    on: "on",
    off: "off",
    seen: "Last seen",
    reset: (login: string): string => `New password ${login}`.trim(),
    remove: (login: string): string => `Remove ${login}`.trim(),
    yourself: "That is your own account. Somebody else has to remove it.",
    links: "Links that wait",
    newAccount: "a new account",
    newPassword: (login: string): string => `a new password for ${login}`,
    until: "Works until",
    invite: "Invite somebody",
    inviteButton: "Make a link",
    customerHelp: "For a customer: whose domains and vaultboxes it manages.",
    ownerHelp:
      "Whoever opens the link gets an account for this vaultbox alone: its mail passwords, devices and messages.",
    noUuid: "A customer needs a UUID.",
    tooMany: (most: number): string =>
      `A vaultbox has at most ${most} accounts and links that wait. Remove some first.`,
    link: "One-time link",
    linkHelp:
      "Send this link by a way that you trust: whoever opens it first has the account. It is shown only now.",
  },
  customers: {
    title: "Customers",
    one: "Customer",
    empty: "No customer has a vaultbox yet.",
    customer: "Customer",
    vaultboxes: "Vaultboxes",
    messages: "Messages",
    bytes: "Used",
    of: (used: string, most: string): string => `${used} of ${most}`,
  },
  audit: {
    title: "Log",
    at: "When",
    actor: "Who",
    action: "What",
    actionHelp: "Such as vaultbox.create",
    about: "About",
    details: "Details",
    vaultbox: "Vaultbox (UUID)",
    empty: "Nothing is in the log yet that fits.",
  },
} as const;
