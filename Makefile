# make          prints the targets
# Everything here works on a fresh machine with Go, a C compiler and the base
# system, needs no AWS account, and may be run twice.

GOLANGCI_LINT_VERSION := v2.15.0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      := CGO_ENABLED=0 go
# The tag leaves out what urfave/cli needs to write documentation.
FLAGS   := -trimpath -buildvcs=false -tags urfave_cli_no_docs
LDFLAGS := -s -w
# Inlined functions would be 1.7 MiB of the orchestrator, which waits for AWS.
SMALL   := -gcflags=all=-l
TOOLS   := $(CURDIR)/.tools

.DEFAULT_GOAL := help

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/orchestrator and bin/aide-node
	@$(GO) build $(FLAGS) $(SMALL) -ldflags '$(LDFLAGS) -X aidefleet/orchestrator/cli.Version=$(VERSION)' -o bin/orchestrator ./orchestrator
	@$(GO) build $(FLAGS) -ldflags '$(LDFLAGS) -X main.version=$(VERSION)' -o bin/aide-node ./node

.PHONY: demo
demo: ## sweep a fleet of sandboxed hosts, from nothing to the metrics
	@.ci/packages aide bwrap nsenter
	@$(MAKE) --no-print-directory build
	@bin/orchestrator lab demo

.PHONY: test
test: ## run all tests, with the race detector and the real AIDE
	@.ci/packages aide bwrap nsenter shellcheck aws jq
	@$(MAKE) --no-print-directory build
	go test -race -timeout 15m ./...

.PHONY: lint
lint: build $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## check style, the arrows between packages, and sizes
	@.ci/packages shellcheck
	go mod tidy -diff
	go vet ./...
	$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) run ./...
	shellcheck .ci/run .ci/packages
	@.ci/size bin/orchestrator 16 bin/aide-node 3

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@echo "installing: golangci-lint $(GOLANGCI_LINT_VERSION) into .tools (takes some minutes)"
	@GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## format the code
	$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) fmt ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .tools
