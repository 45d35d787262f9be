/**
 * Alerts, judged by promtool(1): each fires at what it is for, and at nothing
 * else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { promtool } from "../helpers/exposition.ts";
import { isMissing } from "../helpers/openssl.ts";

const RULES =
  new URL("../../appliance/monitoring/encimap.rules.yml", import.meta.url)
    .pathname;
const MISSING = isMissing("promtool");

/** Series → values, as promtool writes them: a minute apart, or `every`. */
type Series = Record<string, string>;

/** What fires an alert, and the nearest that does not. */
const CASES: Record<
  string,
  { at?: string; every?: "1m" | "1h"; fires: Series; calm: Series }
> = {
  EncimapDown: {
    fires: { 'up{job="encimap"}': "0x10" },
    calm: { 'up{job="encimap"}': "0 1x10", 'up{job="node"}': "0x10" },
  },
  EncimapIntakeDown: {
    fires: { encimap_intake_up: "0x10" },
    calm: { encimap_intake_up: "1x4 0 1x5" },
  },
  EncimapDatabaseDown: {
    fires: { encimap_database_up: "0x10" },
    calm: { encimap_database_up: "1x10" },
  },
  EncimapQueueUnread: {
    at: "20m",
    fires: { encimap_queue_up: "0x20" },
    calm: { encimap_queue_up: "0x5 1x15" },
  },
  EncimapQueueOld: {
    at: "20m",
    fires: { 'encimap_queue_oldest_seconds{queue="deferred"}': "3600+60x20" },
    calm: {
      'encimap_queue_oldest_seconds{queue="deferred"}': "0+60x20",
      'encimap_queue_oldest_seconds{queue="hold"}': "99999x20",
    },
  },
  EncimapQueueHold: {
    at: "25h",
    every: "1h",
    fires: { 'encimap_queue_messages{queue="hold"}': "1x25" },
    calm: { 'encimap_queue_messages{queue="deferred"}': "1x25" },
  },
  EncimapDeliveriesDeferred: {
    at: "30m",
    fires: {
      'encimap_deliveries_total{door="lmtp",outcome="stored"}': "0+90x30",
      'encimap_deliveries_total{door="lmtp",outcome="unavailable"}': "0+10x30",
    },
    // What is wrong with single vaultboxes is not wrong with the machine.
    calm: {
      'encimap_deliveries_total{door="lmtp",outcome="stored"}': "0+90x30",
      'encimap_deliveries_total{door="lmtp",outcome="unavailable"}': "0+1x30",
      'encimap_deliveries_total{door="lmtp",outcome="vaultbox_full"}':
        "0+50x30",
    },
  },
  EncimapInternalError: {
    fires: { 'encimap_deliveries_total{outcome="internal"}': "0x5 1x5" },
    calm: { 'encimap_deliveries_total{outcome="internal"}': "3x10" },
  },
  EncimapDeliverySlow: {
    at: "40m",
    fires: {
      'encimap_delivery_seconds_bucket{door="lmtp",le="5"}': "0+10x40",
      'encimap_delivery_seconds_bucket{door="lmtp",le="10"}': "0+20x40",
      'encimap_delivery_seconds_bucket{door="lmtp",le="+Inf"}': "0+20x40",
    },
    calm: {
      'encimap_delivery_seconds_bucket{door="lmtp",le="5"}': "0+20x40",
      'encimap_delivery_seconds_bucket{door="lmtp",le="10"}': "0+20x40",
      'encimap_delivery_seconds_bucket{door="lmtp",le="+Inf"}': "0+20x40",
    },
  },
  EncimapAdmissionFull: {
    at: "15m",
    fires: {
      encimap_admission_in_use: "16x15",
      encimap_admission_max: "16x15",
      encimap_admission_waiting: "3x15",
    },
    calm: {
      encimap_admission_in_use: "16x15",
      encimap_admission_max: "16x15",
      encimap_admission_waiting: "0x15",
    },
  },
  EncimapStoreFull: {
    fires: {
      encimap_store_free_bytes: "99x10",
      encimap_store_min_free_bytes: "100x10",
    },
    calm: {
      encimap_store_free_bytes: "101x10",
      encimap_store_min_free_bytes: "100x10",
    },
  },
  EncimapStoreFillsUp: {
    at: "7h",
    fires: {
      encimap_store_free_bytes: "10000-2x420",
      encimap_store_min_free_bytes: "5000x420",
    },
    calm: {
      encimap_store_free_bytes: "10000x420",
      encimap_store_min_free_bytes: "5000x420",
    },
  },
  EncimapDatabaseConnections: {
    at: "15m",
    fires: {
      'encimap_database_connections{role="encimap"}': "70x15",
      'encimap_database_connections{role="dovecot"}': "20x15",
      encimap_database_connections_max: "100x15",
    },
    calm: {
      'encimap_database_connections{role="encimap"}': "40x15",
      'encimap_database_connections{role="dovecot"}': "20x15",
      encimap_database_connections_max: "100x15",
    },
  },
  EncimapDatabaseSlow: {
    at: "15m",
    fires: { encimap_database_seconds: "2x15" },
    calm: { encimap_database_seconds: "0.01x15" },
  },
  EncimapApiErrors: {
    at: "30m",
    fires: {
      'encimap_api_requests_total{operation="a",status="200"}': "0+9x30",
      'encimap_api_requests_total{operation="a",status="503"}': "0+1x30",
    },
    // It says so itself, and has alerts of its own.
    calm: {
      'encimap_api_requests_total{operation="a",status="404"}': "0+9x30",
      'encimap_api_requests_total{operation="health",status="503"}': "0+1x30",
    },
  },
  EncimapRestarts: {
    fires: { encimap_intake_start_seconds: "1+1x10" },
    calm: { encimap_intake_start_seconds: "1x5 2x5" },
  },
  EncimapRenewalFailed: {
    at: "2h",
    fires: {
      encimap_renewals_failed: "0x120",
      encimap_certificates_overdue: "1x120",
    },
    calm: {
      encimap_renewals_failed: "0x120",
      encimap_certificates_overdue: "0x120",
    },
  },
  EncimapCertificateEnded: {
    at: "2h",
    fires: {
      'encimap_certificates_ending{custody="server",within_days="0"}': "1x120",
    },
    calm: {
      'encimap_certificates_ending{custody="server",within_days="7"}': "1x120",
      'encimap_certificates_ending{custody="client",within_days="0"}': "1x120",
    },
  },
  EncimapTlsEnding: {
    at: "2h",
    every: "1h",
    // promtool's clock begins at 1970.
    fires: {
      'encimap_tls_certificate_expires_seconds{service="imap"}': "1200000x2",
      'encimap_tls_certificate_expires_seconds{service="smtp"}': "9999999x2",
    },
    calm: {
      'encimap_tls_certificate_expires_seconds{service="imap"}': "1300000x2",
    },
  },
  EncimapTlsEnded: {
    at: "2h",
    every: "1h",
    fires: {
      'encimap_tls_certificate_expires_seconds{service="imap"}': "250000x2",
    },
    calm: {
      'encimap_tls_certificate_expires_seconds{service="imap"}': "300000x2",
    },
  },
  EncimapMaintenanceStale: {
    at: "80h",
    every: "1h",
    fires: { encimap_maintenance_last_run_seconds: "0x80" },
    calm: { encimap_maintenance_last_run_seconds: "0+3600x80" },
  },
  EncimapMailAltered: {
    fires: { 'encimap_verify_findings{finding="altered"}': "1x10" },
    calm: {
      'encimap_verify_findings{finding="altered"}': "0x10",
      'encimap_verify_findings{finding="foreign"}': "1x10",
    },
  },
  EncimapMailForeign: {
    at: "2h",
    fires: { 'encimap_verify_findings{finding="unreadable"}': "1x120" },
    calm: { 'encimap_verify_findings{finding="foreign"}': "0x120" },
  },
  EncimapVerifyStale: {
    at: "23d",
    every: "1h",
    fires: { encimap_verify_last_end_seconds: "0x552" },
    calm: { encimap_verify_last_end_seconds: "0+3600x552" },
  },
  EncimapRemovalsStuck: {
    at: "3h",
    fires: { encimap_removals_stuck: "1x180" },
    calm: { encimap_removals_stuck: "1x60 0x120" },
  },
};

function test(
  name: string,
  { at = "10m", every = "1m" }: { at?: string; every?: string },
  series: Series,
  count: number,
) {
  return {
    interval: every,
    name,
    "input_series": Object.entries(series).map(([series, values]) => ({
      series,
      values,
    })),
    "promql_expr_test": [{
      expr:
        `count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)`,
      "eval_time": at,
      "exp_samples": [{ labels: "{}", value: count }],
    }],
  };
}

Deno.test("every alert has a case", async () => {
  const rules = parse(await Deno.readTextFile(RULES));
  assert.deepEqual(
    rules.groups[0].rules.map((rule: { alert: string }) => rule.alert),
    Object.keys(CASES),
  );
});

for (const interval of ["1m", "1h"]) {
  Deno.test({
    name:
      `each alert fires at what it is for, and not at the nearest to it, every ${interval}`,
    ignore: MISSING,
    fn: async () => {
      const tests = Object.entries(CASES)
        .filter(([, { every = "1m" }]) => every === interval)
        .flatMap(([name, each]) => [
          test(name, each, each.fires, 1),
          test(name, each, each.calm, 0),
        ]);
      const path = await Deno.makeTempFile({ suffix: ".yml" });
      // JSON is YAML.
      await Deno.writeTextFile(
        path,
        JSON.stringify({
          "rule_files": [RULES],
          "evaluation_interval": interval,
          tests,
        }),
      );
      const { code, out } = await promtool(["test", "rules", path]);
      await Deno.remove(path);
      assert.equal(code, 0, out);
    },
  });
}

Deno.test("docs/monitoring.md says what to do at each alert", async () => {
  const text = await Deno.readTextFile(
    new URL("../../docs/monitoring.md", import.meta.url),
  );
  const named = [...text.matchAll(/`(Encimap[A-Za-z]+)`/g)]
    .map(([, name]) => name!);
  assert.deepEqual(named.toSorted(), Object.keys(CASES).toSorted());
});

Deno.test({
  name: "the rules are in the form of Prometheus",
  ignore: MISSING,
  fn: async () => {
    const { code, out } = await promtool(["check", "rules", RULES]);
    assert.equal(code, 0, out);
  },
});
