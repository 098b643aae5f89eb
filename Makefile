# make          prints the targets
# Everything here works on a fresh machine with Go, a C compiler and the base
# system, needs no AWS account, and may be run twice.

GOLANGCI_LINT_VERSION := v2.15.0
# From v2.46.0 on nfpm needs modules of go.digitalxero.dev, which not every module
# proxy serves.
NFPM_VERSION := v2.45.2
CFN_LINT_VERSION := 1.58.0
BOTO3_VERSION := 1.44.8
DUCKDB_VERSION := 1.4.1
AXE_VERSION := 4.14.1
AXE_SHA256 := e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      := CGO_ENABLED=0 go
# The tag leaves out what Lambda used before provided.al2023.
FLAGS   := -trimpath -buildvcs=false -tags lambda.norpc
LDFLAGS := -s -w
TOOLS   := $(CURDIR)/.tools
BIN     := bin
DIST    := dist
# Files in packages are as old as the last commit, so that a build can be repeated.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.DEFAULT_GOAL := help

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build orchestrator aide-node lab
build: orchestrator aide-node lab ## build bin/orchestrator, bin/aide-node and bin/lab
orchestrator:
	@$(GO) build $(FLAGS) -ldflags '$(LDFLAGS) -X aidefleet/orchestrator/cli.Version=$(VERSION)' -o '$(BIN)/$@' ./orchestrator
aide-node:
	@$(GO) build $(FLAGS) -ldflags '$(LDFLAGS) -X main.version=$(VERSION)' -o '$(BIN)/$@' ./node
lab:
	@$(GO) build $(FLAGS) -ldflags '$(LDFLAGS) -X aidefleet/lab/cli.Version=$(VERSION)' -o '$(BIN)/$@' ./lab

.PHONY: demo
demo: ## sweep a fleet of sandboxed hosts, from nothing to the metrics
	@.ci/packages aide bwrap nsenter rpmbuild
	@$(MAKE) --no-print-directory build
	@rm -rf $(BIN)/demo-ledger
	@bin/lab demo --ledger $(BIN)/demo-ledger

.PHONY: test
test: ## run all tests, with the race detector and real AIDEs
	@.ci/packages aide bwrap nsenter shellcheck aws jq man rpm rpmbuild busybox qemu-aarch64-static chromium curl
	@.ci/aides
	@$(MAKE) --no-print-directory $(TOOLS)/boto3-$(BOTO3_VERSION)/installed || echo 'without boto3, what it reads of the lab is not tested' >&2
	@$(MAKE) --no-print-directory $(TOOLS)/duckdb-$(DUCKDB_VERSION)/installed || echo 'without DuckDB, the queries of docs/ledger.md are not tested' >&2
	@$(MAKE) --no-print-directory $(TOOLS)/axe-core-$(AXE_VERSION)/axe.min.js || echo 'without axe-core, the accessibility of pages is not tested' >&2
	@$(MAKE) --no-print-directory build
	go test -race -timeout 15m ./...

.PHONY: lint
lint: build $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) $(TOOLS)/cfn-lint-$(CFN_LINT_VERSION)/bin/cfn-lint ## check style, the arrows between packages, the stack, and sizes
	@.ci/packages shellcheck
	go mod tidy -diff
	go vet ./...
	$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) run ./...
	shellcheck .ci/run .ci/packages .ci/python .ci/aides packaging/dist packaging/version
	@bin/orchestrator deploy template >$(BIN)/stack.yaml
	$(TOOLS)/cfn-lint-$(CFN_LINT_VERSION)/bin/python .ci/cfn-lint.py --include-checks I -- $(BIN)/stack.yaml docs/deploy/ecs.yaml
	@.ci/size bin/orchestrator 24 bin/aide-node 6

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@echo "installing: golangci-lint $(GOLANGCI_LINT_VERSION) into .tools (takes some minutes)"
	@GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

$(TOOLS)/cfn-lint-$(CFN_LINT_VERSION)/bin/cfn-lint:
	@.ci/packages venv
	@echo "installing: cfn-lint $(CFN_LINT_VERSION) into .tools"
	@python=$$(.ci/python) || { echo "cfn-lint needs a Python from 3.10 to 3.14 with venv" >&2; exit 1; }; \
	"$$python" -m venv --clear $(TOOLS)/cfn-lint-$(CFN_LINT_VERSION)
	@$(TOOLS)/cfn-lint-$(CFN_LINT_VERSION)/bin/pip install --quiet --disable-pip-version-check cfn-lint==$(CFN_LINT_VERSION)

# What tests import, each in a Python of its own.
$(TOOLS)/boto3-$(BOTO3_VERSION)/installed: MODULE := boto3==$(BOTO3_VERSION)
$(TOOLS)/duckdb-$(DUCKDB_VERSION)/installed: MODULE := duckdb==$(DUCKDB_VERSION)
$(TOOLS)/boto3-$(BOTO3_VERSION)/installed $(TOOLS)/duckdb-$(DUCKDB_VERSION)/installed:
	@.ci/packages venv
	@echo "installing: $(MODULE) into .tools"
	@python=$$(.ci/python) || { echo "$(MODULE) needs a Python from 3.10 to 3.14 with venv" >&2; exit 1; }; \
	"$$python" -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check $(MODULE)
	@touch $@

$(TOOLS)/axe-core-$(AXE_VERSION)/axe.min.js:
	@echo "installing: axe-core $(AXE_VERSION) into .tools"
	@mkdir -p $(@D)
	@curl -fsS --retry 3 -o $(@D)/axe-core.tgz https://registry.npmjs.org/axe-core/-/axe-core-$(AXE_VERSION).tgz
	@echo '$(AXE_SHA256)  $(@D)/axe-core.tgz' | sha256sum --check --quiet
	@tar -xzf $(@D)/axe-core.tgz -C $(@D) --strip-components=1 package/axe.min.js
	@touch $@

.PHONY: dist
dist: $(TOOLS)/nfpm-$(NFPM_VERSION) ## build what is released, VERSION=0.1.0, into dist/
	@MAKE='$(MAKE)' NFPM='$<' SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' packaging/dist '$(VERSION)' '$(DIST)'

$(TOOLS)/nfpm-$(NFPM_VERSION):
	@echo "installing: nfpm $(NFPM_VERSION) into .tools"
	@GOBIN=$(TOOLS) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)
	@mv $(TOOLS)/nfpm $@

.PHONY: bench
bench: build ## measure, as ratios in one run; takes some minutes
	@.ci/packages aide aws jq chromium
	go test -run '^$$' -bench . -benchtime 1x -timeout 80m ./node ./node/aide ./orchestrator/page ./e2e

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## format the code
	$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) fmt ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist .tools
