#!/usr/bin/env bash
# A worker for devapp's notifications, as an example:
#
#   notification_worker.sh COMMAND [ARGUMENT...]
#
# Takes one notification at a time and runs the command with it, as JSON in one line,
# on its standard input.  If the command succeeds the notification is done.  If not,
# it is tried again later, with what the command wrote to its standard error as the
# reason.  Needs bash and psql.
#
# Where the database is comes from PGHOST, PGDATABASE and so on.  The database user
# needs USAGE on the schema devapp, and EXECUTE on claim_notifications,
# complete_notification and fail_notification.  Besides:
#
#   DEVAPP_WORKER   name of this worker; default: host and process
#   DEVAPP_LEASE    longest time that a delivery takes; default: 5 minutes
#   DEVAPP_POLL     seconds between looks at an empty queue; default: 5
#   DEVAPP_DRAIN    not empty: stop when nothing is due
#
# TERM or INT stops it after the delivery that is on.  As many workers as you like may
# run at once.  One that is killed loses nothing: when its lease is over another
# worker takes the notification, so the command may see one twice.
set -uo pipefail

[ $# -gt 0 ] || { echo "usage: $(basename "$0") COMMAND [ARGUMENT...]" >&2; exit 2; }
worker=${DEVAPP_WORKER:-$HOSTNAME, process $$}
lease=${DEVAPP_LEASE:-5 minutes}
poll=${DEVAPP_POLL:-5}
drain=${DEVAPP_DRAIN:-}

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
stop=
trap 'stop=1' TERM INT

# SQL comes on standard input; values are psql variables, which psql quotes.
ask() {
	psql -X -q -A -t -F $'\t' -v ON_ERROR_STOP=1 "$@"
}

# One line, if something is due: id, lease, JSON.  JSON has no tab and no line end.
claim() {
	ask -v worker="$worker" -v lease="$lease" <<'SQL'
SELECT n.notification_id, n.lease_id,
       jsonb_build_object('notification_id', n.notification_id, 'created_at', n.created_at, 'event', n.event,
                          'app_id', n.app_id, 'credential_id', n.credential_id, 'product_id', n.product_id,
                          'recipients', n.recipients, 'payload', n.payload, 'attempt', n.attempts)
  FROM devapp.claim_notifications(1, :'lease'::interval, :'worker') AS n;
SQL
}

complete() { # ID LEASE
	ask -v id="$1" -v lease="$2" <<'SQL'
SELECT FROM devapp.complete_notification(:'id'::bigint, :'lease'::uuid);
SQL
}

fail() { # ID LEASE ERROR
	ask -v id="$1" -v lease="$2" -v error="$3" <<'SQL'
SELECT FROM devapp.fail_notification(:'id'::bigint, :'error', :'lease'::uuid);
SQL
}

# What went wrong: the end of what the command said, and its exit status.
reason() { # STATUS
	printf '%s (exit status %s)' "$(tail -c 500 "$errors")" "$1"
}

deliver() { # ID LEASE JSON COMMAND...
	local id=$1 lease_id=$2 json=$3 status
	shift 3
	"$@" <<<"$json" 2>"$errors"
	status=$?
	if [ $status = 0 ]; then
		complete "$id" "$lease_id"
	else
		fail "$id" "$lease_id" "$(reason $status)"
	fi
}

# Idle in the background, so that a signal does not have to wait.
idle() {
	sleep "$poll" &
	wait $!
	kill $! 2>/dev/null
}

while [ -z "$stop" ]; do
	# a server that is away, or a lease that is over, is no reason to stop: psql has said so
	if line=$(claim) && [ -n "$line" ]; then
		IFS=$'\t' read -r id lease_id json <<<"$line"
		deliver "$id" "$lease_id" "$json" "$@"
	elif [ -n "$drain$stop" ]; then
		break
	else
		idle
	fi
done
exit 0
