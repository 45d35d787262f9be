/**
 * Whose each file and folder of the appliance is, and who may do what with it.
 *
 * What lies in a folder that is closed to others need not be listed: private
 * keys, mail, and the record of the installation.
 *
 * @module
 */

/** A file, folder or socket. */
export interface Place {
  /** Absolute path. */
  readonly path: string;
  /** What it may be, as `root:encimap 640`: owner, group, mode in octal digits. */
  readonly is: readonly [string, ...string[]];
  /** Whether it may be missing: not every machine has it. */
  readonly isOptional?: true;
  /** Whether it may be a link of the operator's, to a file closed to others. */
  readonly mayBeLink?: true;
}

/** Users of the filters of port 25, by the name of the filter's folder. */
const CHECK_USERS = {
  dkim: "opendkim",
  spf: "pyspf-milter",
  dmarc: "opendmarc",
};

/** What of a machine's settings the table depends on. */
export interface PlaceSettings {
  /** Folder of the files with secrets. */
  readonly secretsPath: string;
  /** File with the program's settings. */
  readonly configFile: string;
  /** ENCIMAP_MASTER_KEY_FILE. */
  readonly masterKeyFile: string;
  /** ENCIMAP_HMAC_KEY_FILE. */
  readonly hmacKeyFile: string;
  /** Folder of the encrypted private keys. */
  readonly keysPath: string;
  /** Folder with one folder for each vaultbox. */
  readonly maildirBasePath: string;
  /** Folder of Postfix's maps. */
  readonly mapsPath: string;
  /** Unix socket of the intake. */
  readonly intakeSocket: string;
  /** Unix socket where the intake takes mail by LMTP. */
  readonly lmtpSocket: string;
  /** Folder of the Unix socket where Postfix asks about mail of port 587. */
  readonly submissionPath: string;
  /** Folder of the sockets of the filters of port 25. */
  readonly checksPath: string;
  /** Unix socket that tells of Postfix's queue. */
  readonly queueSocket: string;
  /** Unix socket of Dovecot's doveadm service. */
  readonly doveadmSocket: string;
  /** Folder of the dashboard's accounts. */
  readonly dashboardPath: string;
  /** Names of the units. */
  readonly units: readonly string[];
}

/**
 * Lists all of them.
 *
 * @param settings The machine's settings.
 * @returns The table.
 */
export function placesOf(settings: PlaceSettings): readonly Place[] {
  const { secretsPath, configFile, mapsPath } = settings;
  return [
    // What anybody may read and root alone may change.
    { path: secretsPath, is: ["root:root 755"] },
    { path: configFile, is: ["root:root 644"] },
    { path: `${secretsPath}/tls`, is: ["root:root 755"] },
    { path: "/var/lib/encimap", is: ["root:root 755"] },
    { path: "/usr/local/lib/encimap", is: ["root:root 755"] },
    { path: "/usr/local/lib/encimap/current/encimap", is: ["root:root 755"] },
    {
      path: "/usr/local/bin/encimap_dkim",
      is: ["root:root 755"],
      isOptional: true,
    },
    ...[
      "encimap",
      "encimap_backup",
      "encimap_common.sh",
      "encimap_ctl",
      "encimap_keys",
      "encimap_pipe.sh",
      "encimap_restore",
      "encimap_tls",
    ].map((name): Place => ({
      path: `/usr/local/bin/${name}`,
      is: ["root:root 755"],
    })),
    { path: "/etc/dovecot/conf.d/99-encimap.conf", is: ["root:root 644"] },
    ...[
      // Each version of Dovecot has its own.
      "/etc/dovecot/conf.d/98-encimap-2.3.conf",
      "/etc/dovecot/conf.d/98-encimap-2.4.conf",
      "/etc/dovecot/encimap-sql.conf.ext",
      "/etc/dovecot/encimap-last-use.conf.ext",
      "/etc/nginx/conf.d/encimap.conf",
      ...["dkim", "spf", "dmarc"].map((name) =>
        `${secretsPath}/checks/${name}.conf`
      ),
      `${secretsPath}/release.pem`,
    ].map((path): Place => ({ path, ...OPTIONAL })),
    ...settings.units.map((unit): Place => ({
      path: `/etc/systemd/system/${unit}`,
      ...OPTIONAL,
    })),
    // Secrets of the API, then those of the intake.
    { path: `${secretsPath}/jwt.secret`, is: ["root:encimap 640"] },
    { path: settings.masterKeyFile, is: ["root:encimap 640"] },
    { path: settings.hmacKeyFile, is: ["root:vaultmail 640"] },
    ...["ids", "former"].map((which): Place => ({
      path: `${settings.hmacKeyFile}.${which}`,
      is: ["root:vaultmail 640"],
      isOptional: true,
    })),
    {
      path: `${settings.masterKeyFile}.former`,
      is: ["root:encimap 640"],
      isOptional: true,
    },
    { path: `${secretsPath}/intake.token`, is: ["root:vaultmail 640"] },
    {
      path: `${secretsPath}/tls/key.pem`,
      is: ["root:root 600"],
      mayBeLink: true,
    },
    ...["backup.env", "backup.password"].map((name): Place => ({
      path: `${secretsPath}/${name}`,
      is: ["root:root 600"],
      isOptional: true,
    })),
    // Closed folders: nobody else comes to what is inside.
    { path: "/var/lib/encimap/install", is: ["root:root 700"] },
    {
      path: "/var/lib/encimap/backup",
      is: ["root:root 700"],
      isOptional: true,
    },
    {
      path: settings.dashboardPath,
      is: ["encimap-dashboard:encimap-dashboard 700"],
      isOptional: true,
    },
    { path: settings.keysPath, is: ["encimap:encimap 700"] },
    { path: settings.maildirBasePath, is: ["vaultmail:vaultmail 700"] },
    { path: mapsPath, is: ["encimap:postfix 2750"] },
    { path: settings.submissionPath, is: ["encimap:postfix 2750"] },
    ...Object.entries(CHECK_USERS).map(([name, user]): Place => ({
      path: `${settings.checksPath}/${name}`,
      is: [`${user}:postfix 2750`],
      isOptional: true,
    })),
    {
      path: "/var/backups/encimap",
      is: ["root:root 700"],
      isOptional: true,
    },
    // Sockets, whose absence other checks explain. Where encimap_ctl starts the
    // daemons, the intake makes its own.
    ...([
      [settings.intakeSocket, "vaultmail:encimap 660"],
      [settings.lmtpSocket, "vaultmail:postfix 660"],
      [settings.doveadmSocket, "encimap:root 600"],
      [settings.queueSocket, "root:encimap 660"],
    ] as const).map(([path, is]): Place => ({
      path,
      is: [is],
      isOptional: true,
    })),
  ];
}

const OPTIONAL = { is: ["root:root 644"], isOptional: true } as const;
