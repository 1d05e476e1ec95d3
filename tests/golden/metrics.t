#!/usr/bin/env bash
# The alerts, the dashboard and the configuration for Prometheus: they name the metrics that there are, and promtool, where
# it is installed, takes them. (tests/e2e/endpoints.t has the metrics themselves read by Prometheus.)
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
there=contrib/prometheus
same() { report "$1" "$(diff <(echo "$2") <(echo "$3"))"; } # DESCRIPTION WANTED FOUND

metrics=$(sed -n 's/^ *{"\([a-z_]*\)", "\(gauge\|counter\)",.*/innernet_\1/p' reconcile/show/metrics.c | sort)
named() { grep -oh 'innernet_[a-z_]*' "$@" | sort -u; }
same 'the alerts name metrics that there are' '' "$(comm -13 <(echo "$metrics") <(named "$there/innernet.rules.yml"))"
same 'the dashboard shows those that have a meaning over time' innernet_ledger_available,innernet_version_epoch \
	"$(comm -3 <(echo "$metrics") <(named "$there/innernet-dashboard.json") | paste -sd ,)"
same 'it is a dashboard, with a place for each panel' true "$(jq '(.panels | length > 10) and ([.panels[].id] | length == (unique | length)) and
	([.panels[] | .gridPos | .x + .w <= 24] | all)' "$there/innernet-dashboard.json")"

sed -n '/^rule_files:/,/^\.Ed/p' man/innernet-reconcile.8 | sed '/^\.Ed/d' >"$tmp/prometheus.yml"
same 'innernet-reconcile(8) has the configuration' "$(grep -v '^#' "$there/prometheus.yml")" "$(cat "$tmp/prometheus.yml")"
cp "$there/innernet.rules.yml" "$tmp/"
if command -v promtool >/dev/null; then
	out=$(promtool check config "$tmp/prometheus.yml" 2>&1)
	report 'promtool takes the configuration of the page' "$([ $? = 0 ] || echo "$out")"
	out=$(promtool check rules "$there/innernet.rules.yml" 2>&1)
	report 'and the alerts' "$([ $? = 0 ] || echo "$out")"
	cat >"$tmp/tests.yml" <<-'END'
		rule_files: [innernet.rules.yml]
		evaluation_interval: 1m
		tests:
		  - interval: 1m
		    input_series:
		      - { series: 'up{job="innernet",instance="hub"}', values: '1+0x100' }
		      - { series: 'innernet_condition{network="corp",instance="hub",type="Ready",reason="Serving"}', values: '1+0x100' }
		      - { series: 'innernet_condition{network="corp",instance="hub",type="Valid",reason="yaml-syntax"}', values: '0x8 _x92' }
		      - { series: 'innernet_condition{network="corp",instance="hub",type="Valid",reason="bad-key"}', values: '_x8 0x92' }
		      - { series: 'innernet_condition{network="corp",instance="hub",type="Converged",reason="AllPeers"}', values: '1+0x100' }
		    alert_rule_test:
		      - { eval_time: 90m, alertname: InnernetServerDown }
		      - { eval_time: 90m, alertname: InnernetNotReady }
		      - { eval_time: 90m, alertname: InnernetPeersBehind }
		      - { eval_time: 5m, alertname: InnernetDefinitionRefused }
		      - eval_time: 12m
		        alertname: InnernetDefinitionRefused
		        exp_alerts:
		          - exp_labels: { severity: warning, network: corp, instance: hub }
		            exp_annotations:
		              summary: "The newest commit of corp is not valid."
		              description: >-
		                The server hub goes on with the last valid one. `innernet-reconcile status` on the server
		                prints the diagnostics.
	END
	out=$(cd "$tmp" && promtool test rules tests.yml 2>&1)
	report 'an alert lasts while only the reason changes, and a good network has none' "$([ $? = 0 ] || echo "$out")"
else
	for _ in 1 2 3; do skip 'promtool' 'it is not installed'; done
fi
echo "1..$n"
