#!/usr/bin/env bash
# What `make install` puts where, that `make uninstall` leaves nothing, and what systemd thinks of the units.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
# Another `make` may be running this test, and building: what is there is taken as it is.
run_make() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s MADE=yes B="$build" "$@" DESTDIR="$tmp/root" PREFIX=/usr 2>&1; }

report 'make install' "$(run_make install)"
(cd "$tmp/root" && find . -type f -printf '%m %P\n' -o -type l -printf '%l %P\n' | LC_ALL=C sort -k 2) >"$tmp/found"
cat >"$tmp/wanted" <<'END'
innernet usr/bin/inn
755 usr/bin/innernet
644 usr/lib/systemd/system/innernet-reconcile@.service
644 usr/lib/systemd/system/innernet@.service
755 usr/sbin/innernet-reconcile
innernet usr/share/bash-completion/completions/inn
644 usr/share/bash-completion/completions/innernet
644 usr/share/bash-completion/completions/innernet-reconcile
644 usr/share/doc/innernet/CHANGELOG.md
644 usr/share/doc/innernet/LICENSE
644 usr/share/doc/innernet/README.md
644 usr/share/doc/innernet/examples/ci/github-workflow.yml
644 usr/share/doc/innernet/examples/ci/gitlab-ci.yml
644 usr/share/doc/innernet/examples/network.yaml
644 usr/share/doc/innernet/examples/prometheus/innernet-dashboard.json
644 usr/share/doc/innernet/examples/prometheus/innernet.rules.yml
644 usr/share/doc/innernet/examples/prometheus/prometheus.yml
644 usr/share/fish/vendor_completions.d/inn.fish
644 usr/share/fish/vendor_completions.d/innernet-reconcile.fish
644 usr/share/fish/vendor_completions.d/innernet.fish
644 usr/share/man/man1/inn.1
644 usr/share/man/man1/innernet.1
644 usr/share/man/man5/innernet-snapshot.5
644 usr/share/man/man5/network.yaml.5
644 usr/share/man/man7/innernet-upstream.7
644 usr/share/man/man8/innernet-reconcile.8
644 usr/share/zsh/site-functions/_innernet
644 usr/share/zsh/site-functions/_innernet-reconcile
END
report 'it installs all that there is, and nothing else' "$(diff "$tmp/wanted" "$tmp/found")"

units=$tmp/root/usr/lib/systemd/system
report 'the units name the installed programs' "$(grep -h '^ExecStart=' "$units"/*.service |
	grep -vE '^ExecStart=/usr/(bin/innernet up --daemon|sbin/innernet-reconcile --watch) %i$')"
if command -v systemd-analyze >/dev/null; then
	for u in innernet innernet-reconcile; do
		# A template is looked at as one of its instances; the program is that of the build.
		sed "s,^ExecStart=/usr/s*bin,ExecStart=$(realpath "$build")," "$units/$u@.service" >"$tmp/$u@.service"
		report "systemd finds nothing wrong with $u@.service" \
			"$(systemd-analyze verify --man=no --recursive-errors=no "$tmp/$u@corp.service" 2>&1)"
		out=$(systemd-analyze security --offline=true --no-pager --threshold=20 "$tmp/$u@.service" 2>&1) && out=
		report "its exposure is 2.0 or less" "$out"
	done
else
	for _ in 1 2 3 4; do
		skip 'the units' 'systemd is not installed'
	done
fi

report 'inn is innernet' "$(diff <("$tmp/root/usr/bin/inn" --version) <("$build/innernet" --version))"
if command -v man >/dev/null; then
	report 'man inn shows its page' "$(MANPATH=$tmp/root/usr/share/man man inn 2>&1 | grep -q 'one file in git' || echo 'it does not')"
else
	skip 'man inn' 'there is no man'
fi

report 'make uninstall' "$(run_make uninstall)"
report 'nothing is left' "$(find "$tmp/root" -type f -o -type l)"
report 'nor a folder of its own' "$(find "$tmp/root" -name '*innernet*')"
echo "1..$n"
