# Every target installs what it needs first: on a machine with only Node, or only Bun, `make run` and `make test` work right away.
# The commands themselves are the scripts of package.json.

BUN := scripts/bun
PREFIX ?= /usr/local
BIN = $(DESTDIR)$(PREFIX)/bin
# Flags for the program of a target: make run ARGS="-p 4333 -DV"
ARGS ?=

INSTALLED := node_modules/.installed
SOURCES = $(shell find src -name '*.ts' ! -name '*.test.ts')

.PHONY: help setup run test record reference lint format check parity types build install dist bench compare clean

help:
	@echo 'make run ARGS="-p 4333"   start the server, on port 4222 unless told otherwise'
	@echo 'make test                 every test; ARGS="src/subject" for some of them'
	@echo 'make reference             install nats-server, nats and nsc, which tests compare with'
	@echo 'make record                ask nats-server again, and write its answers to test/**/*.recorded.txt'
	@echo 'make lint check parity    Biome; types; the table of features'
	@echo 'make types                writes types/index.d.ts, the types of the library'
	@echo 'make build                the executable dist/bunats'
	@echo 'make install              it, as bunats and as nats-server, into $$(PREFIX)/bin ($(PREFIX))'
	@echo 'make dist                 the archives of a release, for Linux and macOS; ARGS="linux-x64" for some of them'
	@echo 'make bench compare        microbenchmarks; the whole server against nats-server 2.15.2'

$(INSTALLED): package.json bun.lock
	$(BUN) install --frozen-lockfile
	@touch $@

setup: $(INSTALLED)

run: $(INSTALLED)
	@exec $(BUN) run src/main.ts $(ARGS)

test record lint format check types bench compare dist: $(INSTALLED)
	$(BUN) run $@ $(ARGS)

parity: $(INSTALLED)
	$(BUN) run $@ --check

# nats-server, nats and nsc at the versions that tests compare with; needs Go.
reference:
	scripts/install-reference

build: dist/bunats

dist/bunats: $(INSTALLED) $(SOURCES) scripts/build.ts
	$(BUN) run build

# A nats-server that is not ours may be in use: it is replaced on request only.
install: dist/bunats
	@if [ -e "$(BIN)/nats-server" ] && [ "$$(readlink "$(BIN)/nats-server")" != bunats ] && [ -z "$(FORCE)" ]; then \
	  echo "$(BIN)/nats-server is another program; make install FORCE=1 replaces it." >&2; exit 1; fi
	install -d "$(BIN)"
	install -m 755 dist/bunats "$(BIN)/bunats"
	ln -sf bunats "$(BIN)/nats-server"

clean:
	rm -rf dist bench/out
