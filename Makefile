# innernet: one Makefile, not recursive.
#
#   make                       both programs, in build/
#   make check                 all tests (installs what is missing; root for the network tests)
#   make demo                  a whole network on this machine, from `git push` to pings (root)
#   make lint                  layering and purity, formatting, shell and man pages
#   make fuzz                  the fuzzers, FUZZ_SECONDS each
#   make install               DESTDIR and PREFIX are heeded
#   make deps                  what the build and the tests need
#
# CC=clang, SAN=address,undefined and V=1 work with each of them; objects go to a folder of their own for each.

VERSION  := 0.1.0
CC       ?= cc
PREFIX   ?= /usr/local
V        ?= 0
SAN      ?=
B        ?= build$(if $(findstring clang,$(CC)),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma    := ,
Q        := $(if $(filter 0,$(V)),@,)

PURE_PKGS := yaml-0.1 libsodium jansson
EDGE_PKGS := libgit2 libmnl libcyaml libmicrohttpd libcurl
PKGS      := $(PURE_PKGS) $(EDGE_PKGS)
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PURE_LIBS  = $(shell pkg-config --libs $(PURE_PKGS))
EDGE_LIBS  = $(shell pkg-config --libs $(EDGE_PKGS))

OPT      ?= -O2 -g
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Werror
HARDEN   := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2) \
            $(if $(findstring clang,$(CC)),,-fstack-clash-protection -fcf-protection)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -DINNERNET_VERSION='"$(VERSION)"' $(WARN) $(OPT) $(HARDEN) \
            $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DINNERNET_SANITIZED) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

SCHEMA_SRC := $(wildcard schema/*.c)
RECON_SRC  := $(wildcard reconcile/*.c)
EDGE_SRC   := $(wildcard reconcile/edge/*.c)
CMD_SRC    := $(wildcard cmd/*.c)
PEER_SRC   := $(wildcard cmd/innernet/*.c)
SERVER_SRC := $(wildcard cmd/innernet-reconcile/*.c)
UNIT_SRC   := $(wildcard tests/unit/*.c)
EDGET_SRC  := $(wildcard tests/edge/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/*.c)

obj = $(patsubst %.c,$(B)/%.o,$(1))
LIBS     := $(B)/libedge.a $(B)/libreconcile.a $(B)/libschema.a
PROGRAMS := $(B)/innernet $(B)/innernet-reconcile

.PHONY: all
all: $(PROGRAMS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  CC      $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Archives are made anew, so that a source file that went takes its object along.
define archive
$(if $(filter 0,$(V)),@echo "  AR      $@")
$(Q)rm -f $@ && ar rcsD $@ $(filter %.o,$^)
endef
$(B)/libschema.a: $(call obj,$(SCHEMA_SRC)) ; $(archive)
$(B)/libreconcile.a: $(call obj,$(RECON_SRC)) ; $(archive)
$(B)/libedge.a: $(call obj,$(EDGE_SRC)) ; $(archive)

define link
$(if $(filter 0,$(V)),@echo "  LD      $@")
$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)
endef
$(B)/innernet: $(call obj,$(PEER_SRC) $(CMD_SRC)) $(LIBS) ; $(link) $(EDGE_LIBS) $(PURE_LIBS)
$(B)/innernet-reconcile: $(call obj,$(SERVER_SRC) $(CMD_SRC)) $(LIBS) ; $(link) $(EDGE_LIBS) $(PURE_LIBS)

# Unit tests link the pure two; tests/edge links everything. One program a file, TAP by cmocka.
UNIT_TESTS := $(patsubst %.c,$(B)/%.t,$(UNIT_SRC))
EDGE_TESTS := $(patsubst %.c,$(B)/%.t,$(EDGET_SRC))
$(B)/tests/unit/%.t: $(B)/tests/unit/%.o $(B)/libreconcile.a $(B)/libschema.a ; $(link) $(PURE_LIBS) -lcmocka
$(B)/tests/edge/%.t: $(B)/tests/edge/%.o $(LIBS) ; $(link) $(EDGE_LIBS) $(PURE_LIBS) -lcmocka
.PRECIOUS: $(B)/%.o

.PHONY: unit
unit: $(UNIT_TESTS) $(EDGE_TESTS)
	$(Q)CMOCKA_MESSAGE_OUTPUT=TAP prove -j2 --exec '' $(UNIT_TESTS) $(EDGE_TESTS)

.PHONY: clean
clean:
	rm -rf build build-*

-include $(patsubst %.o,%.d,$(call obj,$(SCHEMA_SRC) $(RECON_SRC) $(EDGE_SRC) $(CMD_SRC) $(PEER_SRC) $(SERVER_SRC) $(UNIT_SRC) $(EDGET_SRC)))
