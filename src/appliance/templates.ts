/**
 * The files of appliance/, in the program whichever way it is built.
 *
 * @module
 */

import backupScript from "../../appliance/bin/encimap_backup" with {
  type: "text",
};
import commonScript from "../../appliance/bin/encimap_common.sh" with {
  type: "text",
};
import controlScript from "../../appliance/bin/encimap_ctl" with {
  type: "text",
};
import command from "../../appliance/bin/encimap" with { type: "text" };
import dkimScript from "../../appliance/bin/encimap_dkim" with { type: "text" };
import keysScript from "../../appliance/bin/encimap_keys" with { type: "text" };
import restoreScript from "../../appliance/bin/encimap_restore" with {
  type: "text",
};
import pipeScript from "../../appliance/bin/encimap_pipe.sh" with {
  type: "text",
};
import tlsScript from "../../appliance/bin/encimap_tls" with { type: "text" };
import dovecotConf23 from "../../appliance/dovecot/98-encimap-2.3.conf.tmpl" with {
  type: "text",
};
import dovecotConf24 from "../../appliance/dovecot/98-encimap-2.4.conf.tmpl" with {
  type: "text",
};
import dovecotConf from "../../appliance/dovecot/99-encimap.conf.tmpl" with {
  type: "text",
};
import dovecotLastUse from "../../appliance/dovecot/encimap-last-use.conf.ext.tmpl" with {
  type: "text",
};
import dovecotSql from "../../appliance/dovecot/encimap-sql.conf.ext.tmpl" with {
  type: "text",
};
import nginxConf from "../../appliance/nginx/encimap.conf.tmpl" with {
  type: "text",
};
import mainCf from "../../appliance/postfix/main.cf.tmpl" with { type: "text" };
import masterCf from "../../appliance/postfix/master.cf.tmpl" with {
  type: "text",
};
import apiService from "../../appliance/systemd/encimap-api.service.tmpl" with {
  type: "text",
};
import backupService from "../../appliance/systemd/encimap-backup.service.tmpl" with {
  type: "text",
};
import backupTimer from "../../appliance/systemd/encimap-backup.timer.tmpl" with {
  type: "text",
};
import intakeService from "../../appliance/systemd/encimap-intake.service.tmpl" with {
  type: "text",
};
import intakeSocket from "../../appliance/systemd/encimap-intake.socket.tmpl" with {
  type: "text",
};
import lmtpSocket from "../../appliance/systemd/encimap-lmtp.socket.tmpl" with {
  type: "text",
};
import maintenanceService from "../../appliance/systemd/encimap-maintenance.service.tmpl" with {
  type: "text",
};
import maintenanceTimer from "../../appliance/systemd/encimap-maintenance.timer.tmpl" with {
  type: "text",
};
import postfixPipe from "../../appliance/systemd/postfix-pipe.conf.tmpl" with {
  type: "text",
};
import reconcileService from "../../appliance/systemd/encimap-reconcile.service.tmpl" with {
  type: "text",
};
import checkService from "../../appliance/systemd/encimap-check.service.tmpl" with {
  type: "text",
};
import checkTimer from "../../appliance/systemd/encimap-check.timer.tmpl" with {
  type: "text",
};
import cleanUpTimer from "../../appliance/systemd/encimap-clean-up.timer.tmpl" with {
  type: "text",
};
import maintenanceTasks from "../../appliance/systemd/encimap-maintenance@.service.tmpl" with {
  type: "text",
};
import dashboardService from "../../appliance/systemd/encimap-dashboard.service.tmpl" with {
  type: "text",
};
import queueSocket from "../../appliance/systemd/encimap-queue.socket.tmpl" with {
  type: "text",
};
import queueService from "../../appliance/systemd/encimap-queue@.service.tmpl" with {
  type: "text",
};
import reportTimer from "../../appliance/systemd/encimap-report.timer.tmpl" with {
  type: "text",
};
import verifyService from "../../appliance/systemd/encimap-verify.service.tmpl" with {
  type: "text",
};
import verifyTimer from "../../appliance/systemd/encimap-verify.timer.tmpl" with {
  type: "text",
};
import submissionService from "../../appliance/systemd/encimap-submission.service.tmpl" with {
  type: "text",
};
import submissionSocket from "../../appliance/systemd/encimap-submission.socket.tmpl" with {
  type: "text",
};
import tlsService from "../../appliance/systemd/encimap-tls.service.tmpl" with {
  type: "text",
};
import tlsTimer from "../../appliance/systemd/encimap-tls.timer.tmpl" with {
  type: "text",
};
import dkimConf from "../../appliance/checks/dkim.conf.tmpl" with {
  type: "text",
};
import dmarcConf from "../../appliance/checks/dmarc.conf.tmpl" with {
  type: "text",
};
import spfConf from "../../appliance/checks/spf.conf.tmpl" with {
  type: "text",
};
import checksCf from "../../appliance/postfix/checks.cf.tmpl" with {
  type: "text",
};
import dkimService from "../../appliance/systemd/encimap-dkim.service.tmpl" with {
  type: "text",
};
import dmarcService from "../../appliance/systemd/encimap-dmarc.service.tmpl" with {
  type: "text",
};
import spfService from "../../appliance/systemd/encimap-spf.service.tmpl" with {
  type: "text",
};

/** Path below appliance/ → text of the template. */
export const TEMPLATES: Readonly<Record<string, string>> = {
  "bin/encimap": command,
  "bin/encimap_backup": backupScript,
  "bin/encimap_common.sh": commonScript,
  "bin/encimap_ctl": controlScript,
  "bin/encimap_dkim": dkimScript,
  "bin/encimap_keys": keysScript,
  "bin/encimap_restore": restoreScript,
  "bin/encimap_pipe.sh": pipeScript,
  "bin/encimap_tls": tlsScript,
  "checks/dkim.conf.tmpl": dkimConf,
  "checks/dmarc.conf.tmpl": dmarcConf,
  "checks/spf.conf.tmpl": spfConf,
  "postfix/checks.cf.tmpl": checksCf,
  "systemd/encimap-dkim.service.tmpl": dkimService,
  "systemd/encimap-dmarc.service.tmpl": dmarcService,
  "systemd/encimap-spf.service.tmpl": spfService,
  "dovecot/98-encimap-2.3.conf.tmpl": dovecotConf23,
  "dovecot/98-encimap-2.4.conf.tmpl": dovecotConf24,
  "dovecot/99-encimap.conf.tmpl": dovecotConf,
  "dovecot/encimap-last-use.conf.ext.tmpl": dovecotLastUse,
  "dovecot/encimap-sql.conf.ext.tmpl": dovecotSql,
  "nginx/encimap.conf.tmpl": nginxConf,
  "postfix/main.cf.tmpl": mainCf,
  "postfix/master.cf.tmpl": masterCf,
  "systemd/encimap-api.service.tmpl": apiService,
  "systemd/encimap-backup.service.tmpl": backupService,
  "systemd/encimap-backup.timer.tmpl": backupTimer,
  "systemd/encimap-intake.service.tmpl": intakeService,
  "systemd/encimap-intake.socket.tmpl": intakeSocket,
  "systemd/encimap-lmtp.socket.tmpl": lmtpSocket,
  "systemd/encimap-maintenance.service.tmpl": maintenanceService,
  "systemd/encimap-maintenance.timer.tmpl": maintenanceTimer,
  "systemd/encimap-reconcile.service.tmpl": reconcileService,
  "systemd/encimap-check.service.tmpl": checkService,
  "systemd/encimap-check.timer.tmpl": checkTimer,
  "systemd/encimap-clean-up.timer.tmpl": cleanUpTimer,
  "systemd/encimap-maintenance@.service.tmpl": maintenanceTasks,
  "systemd/encimap-dashboard.service.tmpl": dashboardService,
  "systemd/encimap-queue.socket.tmpl": queueSocket,
  "systemd/encimap-queue@.service.tmpl": queueService,
  "systemd/encimap-report.timer.tmpl": reportTimer,
  "systemd/encimap-tls.service.tmpl": tlsService,
  "systemd/encimap-tls.timer.tmpl": tlsTimer,
  "systemd/encimap-verify.service.tmpl": verifyService,
  "systemd/encimap-verify.timer.tmpl": verifyTimer,
  "systemd/postfix-pipe.conf.tmpl": postfixPipe,
  "systemd/encimap-submission.service.tmpl": submissionService,
  "systemd/encimap-submission.socket.tmpl": submissionSocket,
};
