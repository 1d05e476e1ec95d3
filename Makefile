# innernet: one Makefile, not recursive.
#
#   make                       both programs, in build/
#   make check                 all tests (installs what is missing; root for the network tests)
#   make check-on SUITE=trixie all tests on another Debian, in a root file system that debootstrap makes (root)
#   make demo                  a whole network on this machine, from `git push` to pings (root)
#   make unit                  the unit tests alone
#   make lint                  layering and purity, formatting, shell and man pages
#   make bench                 the numbers, beside what people would use instead (root; some minutes); make bench-json
#   make fuzz                  the fuzzers, FUZZ_SECONDS each
#   make format                clang-format over all sources
#   make install               programs, man pages, completions, systemd units; DESTDIR and PREFIX are heeded
#   make uninstall             takes them away again
#   make deb                   build/innernet_VERSION_ARCH.deb, for this Debian or Ubuntu
#   make deps                  installs what the build and the tests need
#   make help                  this list
#
# CC=clang, SAN=address,undefined, WERROR= and V=1 work with each of them; objects go to a folder of their own for
# each compiler and sanitizer. TESTS="tests/e2e/a.t ..." narrows `make check` down to some.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
V        ?= 0
SAN      ?=
JOBS     ?= 2
FUZZ_SECONDS ?= 60

comma    := ,
B        ?= build$(if $(findstring clang,$(CC)),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
FB       := build-fuzz
Q        := $(if $(filter 0,$(V)),@,)
# Standard output is the figures' alone in `make bench-json`.
say       = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) $(2)$(if $(filter bench-json,$(MAKECMDGOALS)), >&2))

# `make check` and `make demo` install what is missing before anything is built; a plain `make` only says so.
DEPS     := $(if $(filter check bench bench-json,$(MAKECMDGOALS)),deps,$(if $(filter demo,$(MAKECMDGOALS)),deps-demo))

PURE_PKGS := yaml-0.1 libsodium jansson
EDGE_PKGS := libgit2 libmnl libcyaml libmicrohttpd libcurl zlib libseccomp
PEER_PKGS := libqrencode
PKGS      := $(PURE_PKGS) $(EDGE_PKGS) $(PEER_PKGS)
# Asked once, and not before a recipe needs it: the packages may be installed by then.
once       = $(eval $(1) := $$(shell $(2)))$($(1))
PKG_CFLAGS = $(call once,PKG_CFLAGS,pkg-config --cflags $(PKGS))
PURE_LIBS  = $(call once,PURE_LIBS,pkg-config --libs $(PURE_PKGS))
EDGE_LIBS  = $(call once,EDGE_LIBS,pkg-config --libs $(EDGE_PKGS))
PEER_LIBS  = $(call once,PEER_LIBS,pkg-config --libs $(PEER_PKGS))

OPT      ?= -O2 -g
WERROR   ?= -Werror
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough $(WERROR)
BASE     := -std=c11 -D_GNU_SOURCE -I. -DINNERNET_VERSION='"$(VERSION)"' $(WARN)
# Control-flow protection and stack probes: as far as the compiler and the machine have them.
X86      := $(filter x86_64 i386 i686,$(shell uname -m))
HARDEN   := -fstack-protector-strong -fPIE $(if $(X86),-fcf-protection) \
            $(if $(findstring clang,$(CC)),,-fstack-clash-protection) $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DINNERNET_SANITIZED)
ALL_CFLAGS  = $(BASE) $(OPT) $(HARDEN) $(SANFLAGS) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANFLAGS) $(LDFLAGS)
FUZZ_CC     ?= clang
FUZZ_CFLAGS  = $(BASE) -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
               -fno-sanitize-recover=all -DINNERNET_SANITIZED $(PKG_CFLAGS) $(CPPFLAGS)

SCHEMA_SRC := $(wildcard schema/*.c)
RECON_SRC  := $(wildcard reconcile/*/*.c)
EDGE_SRC   := $(wildcard reconcile/edge/*/*.c)
CMD_SRC    := $(wildcard cmd/*.c)
PEER_SRC   := $(wildcard cmd/innernet/*.c cmd/innernet/*/*.c)
SERVER_SRC := $(wildcard cmd/innernet-reconcile/*.c)
UNIT_SRC   := $(wildcard tests/unit/*.c)
EDGET_SRC  := $(wildcard tests/edge/*.c)
E2E_SRC    := $(wildcard tests/e2e/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/*.c)
BENCH_SRC  := $(wildcard tests/bench/*.c)
SOURCES    := $(SCHEMA_SRC) $(RECON_SRC) $(EDGE_SRC) $(CMD_SRC) $(PEER_SRC) $(SERVER_SRC) \
              $(UNIT_SRC) $(EDGET_SRC) $(E2E_SRC) $(FUZZ_SRC) $(BENCH_SRC)
HEADERS    := $(wildcard schema/*.h reconcile/*/*.h reconcile/edge/*/*.h cmd/*.h cmd/*/*.h cmd/*/*/*.h tests/*.h tests/*/*.h)
MAN        := $(wildcard man/*.[1-8])

obj  = $(patsubst %.c,$(B)/%.o,$(1))
fobj = $(patsubst %.c,$(FB)/%.o,$(1))
PURE_A   := $(B)/libreconcile.a $(B)/libschema.a
LIBS     := $(B)/libedge.a $(PURE_A)
PROGRAMS := $(if $(PEER_SRC),$(B)/innernet) $(if $(SERVER_SRC),$(B)/innernet-reconcile)

# Completions are what the programs say for themselves.
COMPLETIONS := $(foreach s,bash zsh fish,$(PROGRAMS:=.$(s)))

.PHONY: all
all: $(PROGRAMS) $(COMPLETIONS)
.DELETE_ON_ERROR:
.SECONDARY:

# A switch over the operations of a plan names each of them: one that is forgotten is an error of the compiler.
$(call obj,$(wildcard reconcile/show/plan_*.c reconcile/edge/device/*.c)): private ALL_CFLAGS += -Wswitch-enum

# The flags are a prerequisite of what is built with them: another flag, another object.
define note_flags
@mkdir -p $(@D)
@pkg-config --exists --print-errors $(PKGS) || { echo 'A library is missing. Type: sudo make deps' >&2; exit 1; }
@printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
endef
.PHONY: force
force:
$(B)/flags: force | $(DEPS)
	$(call note_flags,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS))
$(FB)/flags: force | $(DEPS)
	$(call note_flags,$(FUZZ_CC) $(FUZZ_CFLAGS))

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(FB)/%.o: %.c $(FB)/flags
	@mkdir -p $(@D)
	$(call say,FUZZCC,$<)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

# What an archive is made of is a prerequisite too, so that a source file that went takes its object along.
$(B)/%.list: force
	@mkdir -p $(@D)
	@echo '$($*_OBJ)' | cmp -s - $@ || echo '$($*_OBJ)' >$@
schema_OBJ    := $(call obj,$(SCHEMA_SRC))
reconcile_OBJ := $(call obj,$(RECON_SRC))
edge_OBJ      := $(call obj,$(EDGE_SRC))
define archive
$(call say,AR,$@)
$(Q)rm -f $@ && ar qcsD $@ $(filter %.o,$^)
endef
$(B)/libschema.a: $(schema_OBJ) $(B)/schema.list
	$(archive)
$(B)/libreconcile.a: $(reconcile_OBJ) $(B)/reconcile.list
	$(archive)
$(B)/libedge.a: $(edge_OBJ) $(B)/edge.list
	$(archive)

define link
$(call say,LD,$@)
@mkdir -p $(@D)
$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)
endef
$(B)/innernet: $(call obj,$(PEER_SRC) $(CMD_SRC)) $(LIBS)
	$(link) $(PEER_LIBS) $(EDGE_LIBS) $(PURE_LIBS)
$(B)/innernet-reconcile: $(call obj,$(SERVER_SRC) $(CMD_SRC)) $(LIBS)
	$(link) $(EDGE_LIBS) $(PURE_LIBS)

$(B)/%.bash $(B)/%.zsh $(B)/%.fish: $(B)/%
	$(call say,GEN,$(B)/$*.bash)
	$(Q)for s in bash zsh fish; do $(B)/$* completions $$s >$(B)/$*.$$s || { rm -f $(B)/$*.$$s; exit 1; }; done

# Unit tests link the pure two; tests/edge links everything. One program a file, TAP by cmocka.
UNIT_TESTS := $(patsubst %.c,$(B)/%.t,$(UNIT_SRC) $(EDGET_SRC))
$(B)/tests/unit/%.t: $(B)/tests/unit/%.o $(PURE_A)
	$(link) $(PURE_LIBS) -lcmocka
$(B)/tests/edge/%.t: $(B)/tests/edge/%.o $(LIBS)
	$(link) $(EDGE_LIBS) $(PURE_LIBS) -lcmocka

# What has words of format 2 that no key can ask for yet: tests/edge/format_2.h stands before definition_load().
FORMAT_2 := -Wl,--wrap=definition_load
$(B)/tests/edge/formats.t: $(B)/tests/edge/formats.o $(LIBS)
	$(link) $(FORMAT_2) $(EDGE_LIBS) $(PURE_LIBS) -lcmocka
FORMAT_2_PROGRAMS := $(PROGRAMS:$(B)/%=$(B)/tests/e2e/format_2/%)
$(B)/tests/e2e/format_2/innernet: $(call obj,tests/e2e/format_2.c $(PEER_SRC) $(CMD_SRC)) $(LIBS)
	$(link) $(FORMAT_2) $(PEER_LIBS) $(EDGE_LIBS) $(PURE_LIBS)
$(B)/tests/e2e/format_2/innernet-reconcile: $(call obj,tests/e2e/format_2.c $(SERVER_SRC) $(CMD_SRC)) $(LIBS)
	$(link) $(FORMAT_2) $(EDGE_LIBS) $(PURE_LIBS)

# Programs that the end-to-end tests run beside ours.
E2E_DRIVERS  := $(patsubst %.c,$(B)/%,$(filter-out tests/e2e/format_2.c,$(E2E_SRC)))
E2E_PROGRAMS := $(E2E_DRIVERS) $(FORMAT_2_PROGRAMS)
$(E2E_DRIVERS): $(B)/tests/e2e/%: $(B)/tests/e2e/%.o $(LIBS)
	$(link) $(EDGE_LIBS) $(PURE_LIBS)

# The benchmark is one program; tests/bench/run has the rest.
BENCH := $(B)/tests/bench/bench
$(BENCH): $(call obj,$(BENCH_SRC)) $(LIBS)
	$(link) $(EDGE_LIBS) $(PURE_LIBS) -lm

# A fuzzer is one file of tests/fuzz with everything linked to it, whichever compiler the rest is built with.
FUZZERS := $(patsubst tests/fuzz/%.c,$(FB)/%,$(FUZZ_SRC))
fuzzed_OBJ := $(call fobj,$(SCHEMA_SRC) $(RECON_SRC) $(EDGE_SRC))
$(FB)/libfuzzed.a: $(fuzzed_OBJ) $(B)/fuzzed.list
	$(archive)
$(FUZZERS): $(FB)/%: $(FB)/tests/fuzz/%.o $(FB)/libfuzzed.a
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) $(filter %.a,$^) $(EDGE_LIBS) $(PURE_LIBS)

# Tests are programs that print TAP; prove runs them and has the last word. Each of tests/*/*.t is a script.
# The long ones first, so that two workers end together.
SCRIPTS := $(wildcard tests/e2e/*.t) $(filter-out $(wildcard tests/e2e/*.t),$(wildcard tests/*/*.t))
# What is the same whichever compiler the programs come from is run once, with the plain build.
ONCE    := $(if $(SAN)$(filter-out build,$(B)),,yes)
# One fuzzer is one test: tests/fuzz/run NAME, spelled as a file of that name for prove.
FUZZ_T  := $(FUZZERS:=.t)
$(FUZZ_T): $(FB)/%.t: tests/fuzz/run $(FB)/%
	@printf '#!/bin/sh\nexec tests/fuzz/run $*\n' >$@
	@chmod +x $@
TESTS   ?= $(filter tests/e2e/%,$(SCRIPTS)) $(if $(ONCE),$(FUZZ_T)) $(UNIT_TESTS) \
           $(filter-out tests/e2e/% $(if $(ONCE),,tests/lint/%),$(SCRIPTS))
# A sanitizer's report fails the test; the namespaces' programs are ended by signals, with what they hold.
# For the slowest test on the slowest machine, a guest that is emulated: under sanitizers twice of that.
TEST_TIMEOUT ?= $(if $(SAN),1200,600)
TEST_ENV = TEST_TIMEOUT='$(TEST_TIMEOUT)' BUILD='$(abspath $(B))' FUZZ_BUILD='$(abspath $(FB))' CC='$(CC)' SAN='$(SAN)' CMOCKA_MESSAGE_OUTPUT=TAP \
           ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
           LSAN_OPTIONS='suppressions=$(abspath tests/library-leaks):print_suppressions=0'

PROVE    := prove --exec tests/run

.PHONY: check
check: deps all $(UNIT_TESTS) $(E2E_PROGRAMS) $(BENCH) $(filter $(FUZZ_T),$(TESTS))
	$(Q)$(patient) $(TEST_ENV) FUZZ_SECONDS=3 $(PROVE) -j$(JOBS) $(TESTS) </dev/null; $(give_back)

# TESTS is passed on only when the caller sets it: its default belongs to the build in the root.
.PHONY: check-on
check-on:
	$(Q)$(patient) CC='$(CC)' SAN='$(SAN)' TESTS='$(if $(filter-out file,$(origin TESTS)),$(strip $(TESTS)))' JOBS='$(JOBS)' V='$(V)' \
		tests/check-on '$(SUITE)'

.PHONY: unit
unit: $(UNIT_TESTS)
	$(Q)$(TEST_ENV) $(PROVE) -j$(JOBS) $(UNIT_TESTS) </dev/null

.PHONY: lint
lint: all
	$(Q)$(TEST_ENV) $(PROVE) $(wildcard tests/lint/*.t) </dev/null

.PHONY: fuzz
fuzz: $(FUZZ_T)
	$(Q)$(TEST_ENV) FUZZ_SECONDS=$(FUZZ_SECONDS) $(PROVE) -j$(JOBS) $(FUZZ_T) </dev/null

# BENCH_ARGS: --seed N, --runs N, --small, rows (tests/bench/README.md).
.PHONY: bench bench-json
bench: deps all $(BENCH)
	$(Q)$(patient) BUILD='$(abspath $(B))' tests/bench/run $(BENCH_ARGS); $(give_back)
bench-json: deps all $(BENCH)
	$(Q)$(patient) BUILD='$(abspath $(B))' tests/bench/run --json $(BENCH_ARGS); $(give_back)

.PHONY: demo
demo: all
	$(Q)$(patient) BUILD='$(abspath $(B))' contrib/demo; $(give_back)

# Ctrl-C reaches everybody at once: the shell of the recipe waits for the last words of what it runs.
patient = trap : INT;

# Under sudo, what was built belongs to the person who typed it: the next plain `make` must be able to write there.
give_back = status=$$?; if [ -n "$$SUDO_UID" ] && [ "$$(id -u)" = 0 ]; then \
	chown -fhR "$$SUDO_UID:$$SUDO_GID" $(B) $(FB); fi; exit $$status

.PHONY: deps deps-demo
deps:
	$(Q)contrib/deps build demo check
	$(Q)tests/e2e/fetch-kernel
	$(Q)tests/fetch-program nginx build/nginx nginx >/dev/null
	$(Q)tests/fetch-program sshd build/sshd openssh-server >/dev/null
deps-demo:
	$(Q)contrib/deps build demo

.PHONY: format
format:
	$$(command -v clang-format-14 || echo clang-format) -i $(SOURCES) $(HEADERS)

# Where things go; a package has its own ideas about the units. MADE=yes: what is in $(B) is taken as it is.
BINDIR   := $(PREFIX)/bin
SBINDIR  := $(PREFIX)/sbin
DATADIR  := $(PREFIX)/share
DOCDIR   := $(DATADIR)/doc/innernet
ZSHDIR   ?= $(DATADIR)/zsh/site-functions
UNITDIR  ?= $(PREFIX)/lib/systemd/system
UNITS    := $(patsubst contrib/systemd/%.in,%,$(wildcard contrib/systemd/*.in))
DOCS     := README.md CHANGELOG.md LICENSE
EXAMPLES := $(wildcard examples/*.yaml examples/*/*.yml)
PROMETHEUS := $(wildcard contrib/prometheus/*)
# FILE:MODE:TARGET of all that is installed but the units, which learn here where the programs are.
INSTALLED := $(B)/innernet:755:$(BINDIR)/innernet $(B)/innernet-reconcile:755:$(SBINDIR)/innernet-reconcile \
             $(foreach m,$(MAN),$(m):644:$(DATADIR)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
             $(foreach p,$(notdir $(PROGRAMS)), \
               $(B)/$(p).bash:644:$(DATADIR)/bash-completion/completions/$(p) \
               $(B)/$(p).zsh:644:$(ZSHDIR)/_$(p) $(B)/$(p).fish:644:$(DATADIR)/fish/vendor_completions.d/$(p).fish) \
             $(foreach f,$(DOCS),$(f):644:$(DOCDIR)/$(notdir $(f))) \
             $(foreach f,$(EXAMPLES),$(f):644:$(DOCDIR)/$(f)) \
             $(foreach f,$(PROMETHEUS),$(f):644:$(DOCDIR)/examples/prometheus/$(notdir $(f)))

# `inn`, as upstream calls it too.
ALIASES   := $(BINDIR)/inn $(DATADIR)/bash-completion/completions/inn $(DATADIR)/man/man1/inn.1 \
             $(DATADIR)/fish/vendor_completions.d/inn.fish

.PHONY: install
install: $(if $(MADE),,all)
	$(Q)for f in $(INSTALLED); do \
		target=$${f##*:} mode=$${f%:*}; install -D -m "$${mode##*:}" "$${f%%:*}" "$(DESTDIR)$$target" || exit 1; done
	$(Q)ln -sf innernet "$(DESTDIR)$(BINDIR)/inn"
	$(Q)ln -sf innernet "$(DESTDIR)$(DATADIR)/bash-completion/completions/inn"
	$(Q)printf '.so man1/innernet.1\n' >"$(DESTDIR)$(DATADIR)/man/man1/inn.1"
	$(Q)printf 'complete -c inn -w innernet\n' >"$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/inn.fish"
	$(Q)chmod 644 $(addprefix "$(DESTDIR)$(DATADIR)"/,man/man1/inn.1 fish/vendor_completions.d/inn.fish)
	$(Q)install -d "$(DESTDIR)$(UNITDIR)"
	$(Q)for u in $(UNITS); do sed 's,@bindir@,$(BINDIR),; s,@sbindir@,$(SBINDIR),' contrib/systemd/$$u.in \
		>"$(DESTDIR)$(UNITDIR)/$$u" && chmod 644 "$(DESTDIR)$(UNITDIR)/$$u" || exit 1; done

# What `make install` made, with the same PREFIX; networks, keys and their interfaces are left alone.
.PHONY: uninstall
uninstall:
	$(Q)for f in $(INSTALLED) $(ALIASES); do rm -f "$(DESTDIR)$${f##*:}" || exit 1; done
	$(Q)for u in $(UNITS); do rm -f "$(DESTDIR)$(UNITDIR)/$$u" || exit 1; done
	$(Q)[ ! -d "$(DESTDIR)$(DOCDIR)" ] || find "$(DESTDIR)$(DOCDIR)" -depth -type d -empty -delete

# The tree is made anew, with the paths that Debian has.
.PHONY: deb
deb: $(if $(MADE),,all)
	$(call say,DEB,$(B)/innernet_$(VERSION)_*.deb)
	$(Q)rm -rf $(B)/deb && mkdir -p $(B)/deb
	$(Q)$(MAKE) -s --no-print-directory install DESTDIR=$(abspath $(B))/deb PREFIX=/usr UNITDIR=/usr/lib/systemd/system \
		ZSHDIR=/usr/share/zsh/vendor-completions
	$(Q)contrib/debian/build $(VERSION) $(B)/deb $(B) && rm -rf $(B)/deb

.PHONY: help
help:
	@sed -n '3,/^$$/s/^# \{0,2\}//p' Makefile

.PHONY: clean
clean:
	rm -rf build build-*

-include $(patsubst %.c,$(B)/%.d,$(SOURCES)) $(patsubst %.c,$(FB)/%.d,$(SOURCES))
