#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh BUILD [--once] - the body of `./bootstrap run`: sandbox and daemon in a scratch folder, the sample lead into each CRM.
set -euo pipefail
build=$1
once=${2:-}
top=$(cd "$(dirname "$0")/../.." && pwd)
run=$build/run
bold=$(printf '\033[1m') plain=$(printf '\033[0m')
[ -t 1 ] || bold='' plain=''
case $once in '' | --once) ;; *) echo "bootstrap run takes --once or nothing, not \"$once\"" >&2; exit 2 ;; esac

say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

free_port() { # first free port from $1 on
	local p=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; do p=$((p + 1)); done
	echo "$p"
}

pids=()
stop() {
	local p
	for p in "${pids[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null || true; done
	for p in "${pids[@]:-}"; do [ -z "$p" ] || wait "$p" 2>/dev/null || true; done
}
trap stop EXIT
trap 'exit 130' INT TERM

wait_for() { # what, command...: up to 10 s
	local what=$1 i; shift
	for i in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
	echo "$what did not come up; its log:" >&2
	tail -20 "$run"/*.log >&2
	exit 1
}
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

secret() { # name, value
	(umask 077; printf '%s\n' "$2" >"$run/secrets/$1")
}

rm -rf "$run"
mkdir -p "$run/crm.d" "$run/secrets"
sandbox_port=$(free_port 8181)
intake_port=$(free_port 8080)
admin_port=$(free_port $((intake_port + 1)))
key=demo-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
secret intake-key "$key"
secret hubspot sandbox-hubspot-token
secret jobber sandbox-jobber-token
secret gohighlevel pit-sandbox-demo
secret servicetitan sandbox-app-key
secret servicetitan-client_secret sandbox-secret
secret housecall_pro sandbox-hcp-key
secret pipedrive sandbox-pipedrive-token
secret workiz sandbox-workiz-token
secret workiz-api_secret sandbox-workiz-secret
secret webhook "$(sed -n 's/.*"\(whsec_[A-Za-z0-9+\/=]*\)".*/\1/p' "$top/plugins/webhook/sandbox.json" | head -1)"
(umask 077; head -c 32 /dev/urandom >"$run/master.key")

cat >"$run/csrelay.conf" <<CONF
listen : {
	intake = "127.0.0.1:$intake_port";
	admin = "127.0.0.1:$admin_port";
	control = "unix:$run/control.sock";
};
store : { path = "$run/csrelay.db"; };
intake : { keys = [ "demo:$(printf %s "$key" | sha256sum | cut -d' ' -f1)" ]; };
http : { allow = [ "127.0.0.1:$sandbox_port" ]; };   # the fake CRMs live on this machine
plugins : { dir = "$build/plugins/v1"; check_owner = false; };
vault : { key_file = "$run/master.key"; };
CONF

crm() { # plugin, secret's name, setting's name, path (with more settings behind a blank), names of more secrets
	local plugin=$1 secret=$2 setting=$3 path=${4%% *} more='' settings='' name
	[ "$path" = "$4" ] || settings=${4#* }
	shift 4
	crms+=("$plugin")
	for name in "$@"; do more="$more $name = \"@file:$run/secrets/$plugin-$name\";"; done
	cat >"$run/crm.d/$plugin.conf" <<CONF
enabled = true;
connections = ( {
	name = "demo"; account = "acct_xyz"; crm_account_id = "hcp_tenant_4829"; label = "Demo $plugin";
	timezone = "America/New_York";
	settings : { $setting = "http://127.0.0.1:$sandbox_port/$path"; $settings };
	secrets : { $secret = "@file:$run/secrets/$plugin";$more };
} );
CONF
}
crms=()
crm hubspot access_token base_url hubspot
crm housecall_pro api_key base_url housecall_pro
crm workiz api_token base_url workiz api_secret
crm pipedrive api_token base_url pipedrive
crm jobber access_token base_url jobber
crm gohighlevel access_token base_url 'gohighlevel location_id = "locdemo";'
crm servicetitan app_key base_url "servicetitan auth_url = \"http://127.0.0.1:$sandbox_port/servicetitan\"; tenant = \"1122334455\"; booking_provider = \"99\"; client_id = \"sandbox-client\";" client_secret
crm webhook signing_secret url webhook/demo

say "starting the fake CRMs (csrelay sandbox) and csrelayd; logs in ${run#"$top"/}"
"$build/csrelay" sandbox --listen "127.0.0.1:$sandbox_port" --data "$top/plugins" >"$run/sandbox.log" 2>&1 &
pids+=($!)
"$build/csrelayd" --config "$run/csrelay.conf" >"$run/csrelayd.log" 2>&1 &
pids+=($!)
wait_for "the sandbox" answers "$sandbox_port"
wait_for "csrelayd" answers "$intake_port"
cat "$run/csrelayd.log"

ctl=("$build/csrelay" --config "$run/csrelay.conf")
bad=0
for name in "${crms[@]}"; do
	say "the sample lead, with a fresh event_id, to $name"
	"${ctl[@]}" send --fresh --to "$name" --key-file "$run/secrets/intake-key" --json "$top/etc/sample-lead.json" >"$run/sent.json" ||
		{ cat "$run/sent.json"; bad=1; continue; }
	id=$(sed -n 's/.*"event_id" *: *"\([0-9a-f-]*\)".*/\1/p' "$run/sent.json" | head -1)
	"${ctl[@]}" explain --follow --timeout 90 "$id" || bad=1
done

say "where to look"
cat <<TXT
  what the fake CRMs hold   http://127.0.0.1:$sandbox_port/            (JSON: /_records, faults on demand: POST /_faults)
  leads come in at          http://127.0.0.1:$intake_port/v1/leads     (Authorization: Bearer, key in ${run#"$top"/}/secrets/intake-key)
  metrics                   http://127.0.0.1:$admin_port/metrics
  the command line          ${build#"$top"/}/csrelay --config ${run#"$top"/}/csrelay.conf leads | explain ID | queue | dlq list
TXT
if [ "$once" = --once ]; then
	say "$([ $bad = 0 ] && echo "all delivered" || echo "not all were delivered")"
	exit $bad
fi
say "up and running; Ctrl-C stops it"
wait
