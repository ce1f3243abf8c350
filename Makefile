# Everything a developer does. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TOOL := go tool -modfile=tools/go.mod
ENGINE := .falkordb
PROXIES := .proxies
export FALKORPAT_ENGINE_DIR := $(CURDIR)/$(ENGINE)
# The linter remembers faults with the paths of the checkout it found them in.
export GOLANGCI_LINT_CACHE := $(CURDIR)/.cache/golangci-lint

# What `make generate` makes, and `make verify` compares.
GENERATED := gen server/web/dist

.PHONY: help
help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

.PHONY: run
run: build engine ## Build and serve on localhost:3000, with a FalkorDB to try it on.
	bin/falkorpat serve --dev --data-dir data

.PHONY: build
build: ## Build bin/falkorpat.
	go build -trimpath -o bin/falkorpat ./cmd/falkorpat

.PHONY: engine
engine: ## Fetch the FalkorDB engine into .falkordb, once.
	store/embedded/engine/fetch.sh $(ENGINE)

.PHONY: test
test: engine browser proxies jsclient ## Run every test there is.
	go test -race -timeout 30m ./...

.PHONY: proof
proof: engine ## Revoke 10,000 tokens on three replicas, in each of seven troubles, and count what is accepted afterwards.
	FALKORPAT_PROOF_REVOCATIONS=10000 go test -timeout 2h -count 1 -v -parallel 1 -run 'RevokedTokenIsRefused(OnEvery|By)|RevocationIsAnswered' ./e2e

.PHONY: browser
browser: # What the browser tests need: a Chromium, and npm's axe.
	e2e/browser.sh
	server/web/build.sh packages

.PHONY: proxies
proxies: # What the tests behind a proxy need: an nginx and a Caddy.
	e2e/proxies.sh $(CURDIR)/$(PROXIES)

.PHONY: jsclient
jsclient: # What the tests that compare results need: the official JavaScript client.
	e2e/jsclient/fetch.sh

.PHONY: bench
bench: build engine ## Measure, against what the machine can do at best.
	go test -run '^$$' -bench . -benchmem ./crypto ./store
	go run ./bench

.PHONY: generate
generate: ## Make the code that comes from openapi.yaml, and the web pages.
	go generate ./...
	server/web/build.sh

.PHONY: verify
verify: ## Make everything generated anew and fail on any difference.
	@digest() { find $(GENERATED) -type f -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 sha256sum; }; \
	before=$$(digest); \
	$(MAKE) --no-print-directory generate; \
	if ! diff <(echo "$$before") <(digest); then echo "verify: generated files were out of date; commit what make generate made" >&2; exit 1; fi
	go mod tidy -diff
	go mod verify

.PHONY: lint
lint: ## Look for faults without running anything.
	$(TOOL) golangci-lint run ./...

.PHONY: fmt
fmt: ## Format the code.
	$(TOOL) golangci-lint fmt ./...

.PHONY: clean
clean: ## Remove what was built and fetched; data stays.
	rm -rf bin $(ENGINE) $(PROXIES)
