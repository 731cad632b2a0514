# Every target first installs what it needs, so `make run` and `make test` work on a machine with only Node or only Bun.
# package.json has the commands as scripts.

BUN := scripts/bun
PREFIX ?= /usr/local
BIN = $(DESTDIR)$(PREFIX)/bin
# Flags for the program of a target: make run ARGS="-p 4333 -DV"
ARGS ?=

INSTALLED := node_modules/.installed
SOURCES = $(shell find src -name '*.ts' ! -name '*.test.ts')

.PHONY: help setup run test record reference lint format check parity types build install dist bench compare faults clean

help:
	@echo 'make run ARGS="-p 4333"   start the server; the default port is 4222'
	@echo 'make test                 all tests; ARGS="src/messaging/subject" for some of them'
	@echo 'make reference             install nats-server, nats and nsc, which tests compare with'
	@echo 'make record                run nats-server again and write its answers to test/**/*.recorded.txt'
	@echo 'make lint check parity    run Biome; check types; check the table of features'
	@echo 'make types                write types/index.d.ts, the types of the library'
	@echo 'make build                build the executable dist/bunats'
	@echo 'make install              install it as bunats and as nats-server in $$(PREFIX)/bin ($(PREFIX))'
	@echo 'make dist                 build the archives of a release for Linux and macOS; ARGS="linux-x64" for one of them'
	@echo 'make bench compare        run microbenchmarks; compare the whole server with nats-server 2.15.3'
	@echo 'make faults               measure how long a client waits while others attack, beside nats-server, then attack for 10 minutes;'
	@echo '                          ARGS="--rows refused,subsz" for some loads, DURATION=120m for a longer attack'

$(INSTALLED): package.json bun.lock
	$(BUN) install --frozen-lockfile
	@touch $@

setup: $(INSTALLED)

run: $(INSTALLED)
	@exec $(BUN) run src/main.ts $(ARGS)

test record lint format check types bench compare faults dist: $(INSTALLED)
	$(BUN) run $@ $(ARGS)

parity: $(INSTALLED)
	$(BUN) run $@ --check

# Installs nats-server, nats and nsc in the versions that tests compare with; needs Go.
reference:
	scripts/install-reference

build: dist/bunats

dist/bunats: $(INSTALLED) $(SOURCES) scripts/build.ts
	$(BUN) run build

# Replaces another program named nats-server only with FORCE=1, because it may be in use.
install: dist/bunats
	@if [ -e "$(BIN)/nats-server" ] && [ "$$(readlink "$(BIN)/nats-server")" != bunats ] && [ -z "$(FORCE)" ]; then \
	  echo "$(BIN)/nats-server is another program; make install FORCE=1 replaces it." >&2; exit 1; fi
	install -d "$(BIN)"
	install -m 755 dist/bunats "$(BIN)/bunats"
	ln -sf bunats "$(BIN)/nats-server"

clean:
	rm -rf dist bench/out
