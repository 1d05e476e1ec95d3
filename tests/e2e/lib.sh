# shellcheck shell=bash
# Hosts on one machine, for the end-to-end tests and the demo. Source it first of all:
#
#	. "$(dirname "$0")/lib.sh"
#	host_new hub 192.0.2.1
#	host_new alice 192.0.2.2
#	on hub innernet-reconcile init ...
#	spawn hub watch innernet-reconcile --watch corp
#	wait_log hub watch 'published'
#	ok 'alice reaches the hub' ping_works alice 10.60.0.1
#	done_testing
#
# The script is started once more inside network, mount and process namespaces of its own, with a tmpfs as $WORK: it
# may run beside other tests, and when it ends, in whatever way (Ctrl-C and kill -9 too), the kernel takes every process,
# interface and file away; kill -9 alone leaves one empty folder in $TMPDIR. A host is again a set of namespaces within: an own network stack, joined to a switch by
# `eth0`, and an own /etc, /var/lib and /run, so that commands are typed as on a machine of one's own. Its home, and
# the folder its commands start in, is $WORK/NAME.
#
# Programs come from $BUILD. Everything needs root.

BUILD=$(realpath "${BUILD:-build}")
E2E_DIR=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
TOP=$(realpath "$E2E_DIR/../..")
export BUILD TOP

# ---- TAP ------------------------------------------------------------------------------------------------------------

tests_run=0
tests_failed=0

skip_all() { # REASON
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}
bail() { # REASON
	printf 'Bail out! %s\n' "$*"
	exit 1
}
diag() { # TEXT: a comment, each line of it
	printf '%s\n' "$*" | sed 's/^/# /'
}
tap_result() { # STATUS DESCRIPTION
	tests_run=$((tests_run + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$tests_run" "$2"
	else
		tests_failed=$((tests_failed + 1))
		printf 'not ok %d - %s\n' "$tests_run" "$2"
	fi
	return "$1"
}
pass() { tap_result 0 "$1"; } # DESCRIPTION
fail() { # DESCRIPTION [TEXT...]
	tap_result 1 "$1"
	shift
	[ $# -eq 0 ] || diag "$*"
	return 1
}
ok() { # DESCRIPTION COMMAND...: it succeeds; what it printed is shown when it does not
	local what=$1 out status
	shift
	out=$("$@" 2>&1 </dev/null)
	status=$?
	[ $status = 0 ] || out="exit $status: $*${out:+$'\n'$out}"
	if [ $status = 0 ]; then pass "$what"; else fail "$what" "$out"; fi
}
nok() { # DESCRIPTION COMMAND...: it fails (but is not killed)
	local what=$1 out status
	shift
	out=$("$@" 2>&1 </dev/null)
	status=$?
	if [ $status != 0 ] && [ $status -lt 126 ]; then
		pass "$what"
	else
		fail "$what" "exit $status: $*${out:+$'\n'$out}"
	fi
}
is() { # GOT WANT DESCRIPTION
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got:"$'\n'"$1"$'\n'"wanted:"$'\n'"$2"; fi
}
isnt() { # GOT UNWANTED DESCRIPTION
	if [ "$1" != "$2" ]; then pass "$3"; else fail "$3" "got what it should not be: $1"; fi
}
like() { # GOT REGEX DESCRIPTION: a line of it matches the extended regular expression
	if grep -qE -e "$2" <<<"$1"; then pass "$3"; else fail "$3" "got:"$'\n'"$1"$'\n'"wanted a match of: $2"; fi
}
unlike() { # GOT REGEX DESCRIPTION
	if ! grep -qE -e "$2" <<<"$1"; then pass "$3"; else fail "$3" "got:"$'\n'"$1"$'\n'"wanted no match of: $2"; fi
}
done_testing() {
	printf '1..%d\n' "$tests_run"
	if [ "$tests_failed" != 0 ] && [ "$spawned" != "" ]; then
		local log
		for log in $spawned; do
			diag "---- ${log#"$WORK"/}"
			diag "$(tail -n 200 "$log")"
		done
	fi
	[ "$tests_failed" = 0 ]
	exit
}

run() { # COMMAND...: its output in $out, its errors in $err, its exit code in $status
	out=$("$@" 2>"$WORK/.err" </dev/null)
	status=$?
	# shellcheck disable=SC2034 # for the script that sources this
	err=$(cat "$WORK/.err")
}

# ---- the sandbox ----------------------------------------------------------------------------------------------------

enter_sandbox() {
	[ "$(id -u)" = 0 ] || skip_all 'network namespaces need root'
	local work child inner status
	work=$(mktemp -d "${TMPDIR:-/tmp}/innernet-e2e.XXXXXX") || bail 'no temporary folder'
	# In the background, so that this shell can act on a signal at once. Should this shell be killed, its death
	# kills unshare, and unshare's kills the first process inside, with which the kernel ends all other processes.
	E2E_WORK=$work setpriv --pdeathsig KILL \
		unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc \
		env --default-signal=INT,QUIT bash "$0" "$@" &
	child=$!
	# shellcheck disable=SC2064 # the folder's name is known now
	trap "rmdir '$work' 2>/dev/null" EXIT
	# The first process inside is told, and has five seconds for its last words.
	stop_sandbox() {
		trap '' INT TERM HUP
		inner=$(cat "/proc/$child/task/$child/children" 2>/dev/null)
		# shellcheck disable=SC2086 # none or one word
		[ -z "$inner" ] || kill -TERM $inner 2>/dev/null
		timeout 5 tail --pid="$child" -s 0.05 -f /dev/null || kill -KILL "$child"
		wait "$child"
		exit "$1"
	}
	trap 'stop_sandbox 130' INT
	trap 'stop_sandbox 143' TERM
	trap 'stop_sandbox 129' HUP
	wait "$child"
	status=$?
	exit "$status"
}

if [ -z "${E2E_WORK:-}" ]; then
	enter_sandbox "$@"
fi

WORK=$E2E_WORK
unset E2E_WORK
export WORK
mount -t tmpfs -o mode=0755 tmpfs "$WORK" || bail 'cannot mount a tmpfs'
# Last words go here: a signal may come while standard output is redirected. A script that needs another trap sets it again.
exec {E2E_OUT}>&1
trap 'diag interrupted >&"$E2E_OUT"; exit 130' INT TERM HUP

mkdir "$WORK/.bin" "$WORK/.etc" "$WORK/.logs"
for program in innernet innernet-reconcile; do
	if [ -x "$BUILD/$program" ]; then cp "$BUILD/$program" "$WORK/.bin/"; fi
done
cp -a /etc/. "$WORK/.etc/" 2>/dev/null
rm -rf "$WORK/.etc/innernet" "$WORK/.etc/innernet-reconcile"
export PATH=$WORK/.bin:$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1
unset NO_COLOR FORCE_COLOR WG_USERSPACE

ip link set lo up
ip link add name switch type bridge || bail 'cannot make a bridge in a network namespace'
ip link set switch up

# ---- hosts ----------------------------------------------------------------------------------------------------------

declare -A host_holder=() # NAME -> a process that holds its namespaces
spawned=                  # the logs of what was spawned

host_start() { # NAME: its namespaces, without a link
	local name=$1 holder said a
	mkdir -p "$WORK/$name"
	# The holder says when it is ready; from then on commands can enter.
	exec {said}< <(exec unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc --uts \
		bash -c '
			set -e
			hostname "$1"
			for d in /etc /var/lib /run; do mount -t tmpfs -o mode=0755 tmpfs $d; done
			cp -a "$WORK/.etc/." /etc/
			printf "%s\n" "127.0.0.1 localhost" "::1 localhost" >/etc/hosts
			mkdir -m 0700 /run/wireguard
			ip link set lo up
			echo ready
			exec sleep infinity >/dev/null 2>&1' host "$name" 2>"$WORK/.logs/$name.host")
	holder=$!
	read -r -u "$said" a || bail "host $name: $(cat "$WORK/.logs/$name.host")"
	exec {said}<&-
	host_holder[$name]=$holder
}

host_addresses() { # NAME ADDRESS[/LENGTH]...: of its eth0, which is brought up
	local name=$1 a
	shift
	for a in "$@"; do
		case $a in
		*/*) ;;
		*:*) a=$a/64 ;;
		*) a=$a/24 ;;
		esac
		case $a in
		*:*) on "$name" ip address add "$a" dev eth0 nodad ;;
		*) on "$name" ip address add "$a" dev eth0 ;;
		esac
	done
	on "$name" ip link set eth0 up
}

host_new() { # NAME ADDRESS[/LENGTH]...: joined to the switch; the length is 24 (IPv6: 64) where it is left out
	local name=$1
	host_start "$name"
	ip link add name "sw-$name" master switch up type veth peer name eth0 netns "${host_holder[$name]}" ||
		bail "host $name: no link"
	shift
	host_addresses "$name" "$@"
}

need_nat() { # first of all in a test that makes routers
	local program
	for program in nft conntrack; do
		command -v $program >/dev/null || skip_all "$program is not installed"
	done
	nft -f - 2>/dev/null <<-END || skip_all 'this kernel has no NAT of nftables'
		table ip probe {
			chain postrouting {
				type nat hook postrouting priority srcnat
				masquerade
			}
		}
		delete table ip probe
	END
}

# A router as people have one at home: it translates what its LAN sends (nat_rules says how), keeps the port where it
# can, lets in what answers, and drops the rest.
host_new_router() { # NAME ADDRESS LAN-ADDRESS [MASQUERADE-FLAGS]: 192.0.2.10 192.168.1.1 [fully-random]
	host_new "$1" "$2"
	on "$1" ip link add name lan type bridge
	on "$1" ip address add "$3/24" dev lan
	on "$1" ip link set lan up
	on "$1" sysctl -q -w net.ipv4.ip_forward=1
	host_gateway[$1]=$3
	nat_rules "$1" "masquerade ${4:-}"
}
declare -A host_gateway=() # ROUTER -> its address in its LAN

nat_rules() { # ROUTER STATEMENT: what its NAT does from now on, with new flows too (nft(8))
	on "$1" nft -f - <<-END || bail "no NAT on $1"
		flush ruleset
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname "eth0" meta l4proto udp $2
			}
		}
		table ip filter {
			chain input {
				type filter hook input priority filter; policy drop
				iifname != "eth0" accept
				ct state established,related accept
			}
			chain forward {
				type filter hook forward priority filter; policy drop
				iifname "lan" accept
				ct state established,related accept
			}
		}
	END
}
nat_forget() { on "$1" conntrack -F >/dev/null 2>&1; } # ROUTER: as when it is switched off and on

host_new_behind() { # NAME ROUTER ADDRESS...: in the router's LAN, and through it to the switch
	local name=$1 router=$2
	host_start "$name"
	nsenter --net="/proc/${host_holder[$router]}/ns/net" -- \
		ip link add name "p-$name" master lan up type veth peer name eth0 netns "${host_holder[$name]}" ||
		bail "host $name: no link"
	shift 2
	host_addresses "$name" "$@"
	on "$name" ip route add default via "${host_gateway[$router]}"
}

on() { # HOST COMMAND...
	local name=$1 ns=/proc/${host_holder[$1]:?no such host: $1}/ns
	shift
	nsenter --mount="$ns/mnt" --net="$ns/net" --uts="$ns/uts" --pid="$ns/pid_for_children" -- \
		env -C "$WORK/$name" HOME="$WORK/$name" "$@"
}

host_del() { # HOST: with everything that runs on it
	local holder=${host_holder[$1]:?no such host: $1}
	unset "host_holder[$1]"
	kill -KILL "$holder" 2>/dev/null
	wait_for 10 test ! -e "/proc/$holder"
	# The kernel takes an empty namespace apart when it finds the time; its cable goes at once.
	ip link delete "sw-$1" 2>/dev/null
	wait_for 10 test ! -e "/sys/class/net/sw-$1"
}

host_unplug() { ip link set "sw-$1" down; } # HOST: pulls its cable
host_plug() { ip link set "sw-$1" up; }     # HOST

spawn() { # HOST LABEL COMMAND...: in the background; both its outputs go to log_of HOST LABEL, after what is there
	local name=$1 label=$2 log
	shift 2
	log=$(log_of "$name" "$label")
	rm -f "$WORK/.logs/$name.$label.pid"
	case " $spawned " in
	*" $log "*) ;;
	*) spawned="$spawned $log" ;;
	esac
	: >>"$log"
	stat -c %s "$log" >"$WORK/.logs/$name.$label.from"
	on "$name" sh -c 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"' "$WORK/.logs/$name.$label.pid" "$@" \
		>>"$log" 2>&1 </dev/null &
	wait_for 10 test -s "$WORK/.logs/$name.$label.pid"
}

log_of() { printf '%s\n' "$WORK/.logs/$1.$2.log"; } # HOST LABEL

spawned_pid() { cat "$WORK/.logs/$1.$2.pid"; } # HOST LABEL: as the host itself counts

runs() { # HOST LABEL: is it running? (A zombie is not.)
	local state
	state=$(on "$1" sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$(spawned_pid "$1" "$2")/status" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

stop() { # HOST LABEL [SIGNAL]: and waits until it is gone
	on "$1" kill "-${3:-TERM}" "$(spawned_pid "$1" "$2")" 2>/dev/null
	wait_for "${4:-10}" not runs "$1" "$2"
}

# A person at a machine that is no host: a home of its own, with git, and in it the folder that is gone to.
desk_new() { # FOLDER
	export HOME=$WORK/home GIT_CONFIG_GLOBAL=$WORK/home/.gitconfig
	mkdir -p "$HOME/$1"
	git config --global user.name Ada
	git config --global user.email ada@example.com
	git config --global init.defaultBranch main
	cd "$HOME/$1" || bail 'no folder'
}

talk() { # DESCRIPTION [on HOST] COMMAND...: at a terminal; the dialogue is standard input, as pty_driver.c has it
	local name=$1 where='' said
	shift
	if [ "$1" = on ]; then
		where=$2
		shift 2
	fi
	if said=$(${where:+on "$where"} "$BUILD/tests/e2e/pty_driver" "$@" 2>"$WORK/.talk"); then
		pass "$name"
	else
		fail "$name" "$(cat "$WORK/.talk")"$'\n'"$said"
	fi
}

# ---- waiting --------------------------------------------------------------------------------------------------------

not() { ! "$@"; }

# Under the sanitizers everything takes a multiple of its time: what is promised in seconds is promised without them.
PATIENCE=$([ -n "${SAN:-}" ] && echo 4 || echo 1)
wait_for() { # SECONDS COMMAND...: until it succeeds. The one place that polls: bounded, every 50 ms.
	local deadline=$((SECONDS + $1 * PATIENCE + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		read -r -t 0.05 <>"$E2E_NEVER" || :
	done
}
E2E_NEVER=$WORK/.never
mkfifo "$E2E_NEVER"

wait_log() { # HOST LABEL REGEX [SECONDS]: until a line matches of what it has said since it was spawned the last time
	wait_for "${4:-20}" has_said "$1" "$2" "$3"
}
has_said() { # HOST LABEL REGEX
	tail -c "+$(($(cat "$WORK/.logs/$1.$2.from") + 1))" "$(log_of "$1" "$2")" | grep -qE -e "$3"
}

# ---- what tests ask of a network ------------------------------------------------------------------------------------

# One answer is enough, and the first packet may have to wait for a handshake.
ping_works() { on "$1" ping -n -q -c 1 -W "${3:-5}" "$2" >/dev/null 2>&1; } # HOST ADDRESS [SECONDS]
# None of three, a fifth of a second apart: refused by the route, the key or the other side.
ping_fails() { ! on "$1" ping -n -q -c 3 -i 0.2 -W 1 "$2" >/dev/null 2>&1; } # HOST ADDRESS
