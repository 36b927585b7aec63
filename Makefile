SHELL := /bin/bash
PURE := nocv,noonnx
# These start no goroutine, which internal/arch tests: there the race detector finds nothing, and takes ten times as long. make test has
# them in test-pure, and whole.
SERIAL := ./internal/engagebench
FUZZTIME ?= 30s
DEMO_ARGS ?=

# The page is built again when something that it is made of is newer.
PAGE := httpapi/web/dist/index.html
PAGE_SOURCES := $(shell find httpapi/web/app/src httpapi/web/client -type f) $(wildcard httpapi/web/app/*.*) scripts/build-web

.PHONY: help setup setup-cloud setup-engage setup-ops setup-appliance setup-web web test-web build demo test test-pure drill lint fmt fuzz bench bench-gate bench-engage scorecard deb test-deb crash soak cover clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: OpenCV, ffmpeg, ONNX Runtime (asks for sudo where not root)
	@scripts/setup

setup-cloud: ## install what plays Amazon in the tests: DynamoDB Local, moto, boto3, cfn-lint; make test does it
	@scripts/setup-cloud

setup-engage: ## install what the personaliser is compared with: Vowpal Wabbit, Open Bandit Pipeline; make test does it
	@scripts/setup-engage

setup-ops: ## install what checks the alert rules: promtool; make test does it
	@scripts/setup-ops

setup-appliance: ## install what deb, test-deb and crash need: dpkg-dev, systemd-nspawn, strace
	@scripts/setup-appliance

setup-web: ## install what web and test-web need: npm, node where the machine's is too old, Chromium, libraries
	@scripts/setup-web test

web: $(PAGE) ## build the page, which the program embeds

$(PAGE): $(PAGE_SOURCES)
	@scripts/build-web

build: setup $(PAGE) ## build bin/spotter, with its page
	go build -o bin/spotter ./cmd/spotter

demo: build ## run the appliance on a live stream made of real clips (DEMO_ARGS="--for 40s")
	bin/spotter demo $(DEMO_ARGS)

test: setup setup-cloud setup-engage setup-ops test-pure ## run all tests
	@# make lint vets them. A program that ends waits for late races, a second where it is not told otherwise.
	GORACE=atexit_sleep_ms=50 go test -race -short -vet=off -timeout 15m $$(go list ./... | grep -vxF "$$(go list $(SERIAL))")
	go test -tags matprofile -run Mat ./capture/opencv ./vision/classic

test-pure: ## build and test what needs neither OpenCV nor ONNX Runtime, without a C compiler
	CGO_ENABLED=0 go vet -tags $(PURE) ./...
	CGO_ENABLED=0 go test -vet=off -tags $(PURE) $$(CGO_ENABLED=0 go list -tags $(PURE) ./... | grep -v /cmd/)

drill: setup ## let origins and networks fail: 120 scripts and 24 hours in compressed time, Toxiproxy in real time
	go test -count=1 -v -run 'TestDrill|TestDay' ./capture
	go test -count=1 -v -run 'TestDrill|TestCalendarIsReadAgain' ./cmd/spotter

test-web: build setup-web ## walk through the page in Chromium, at the demo and at 12 made-up hours; pictures in bin/test-web (UPDATE=1: docs/page.png too)
	@UPDATE=$(UPDATE) scripts/test-web

deb: setup setup-appliance ## build the Debian package: bin/spotter_VERSION_ARCH.deb
	scripts/build-deb

test-deb: setup setup-appliance ## install the package in a booted Debian 12 (as root): service, kill -9, reboot, upgrade, purge
	scripts/test-deb

crash: setup setup-appliance ## kill, cut the power, fill the disk, flip bits: 10,000 points, each checked (ARGS="-seed 1 -points 500")
	go test -tags crash -count=1 -timeout 80m -v ./internal/crash -args $(ARGS)

soak: setup ## run 8 streams for hours of event time with faults: memory, descriptors and goroutines stay flat (ARGS="-length 12m -streams 8")
	go test -tags soak -count=1 -timeout 60m -v ./internal/soak -args $(ARGS)

lint: setup ## vet, staticcheck and formatting
	@unformatted=$$(go tool gofumpt -l .); [ -z "$$unformatted" ] || { echo "make fmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go vet -race ./capture/apart
	go vet -tags bench ./internal/... ./capture/apart
	go vet -tags crash ./internal/crash
	go vet -tags soak ./internal/soak
	go tool staticcheck ./...
	go tool staticcheck -tags crash ./internal/crash
	go tool staticcheck -tags soak ./internal/soak

fmt: ## format the code
	go tool gofumpt -w .

fuzz: setup ## run every fuzz target for FUZZTIME
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
		grep -hoE '^func (Fuzz[A-Za-z0-9]+)' $$dir/*_test.go 2>/dev/null | cut -d' ' -f2 | while read -r target; do \
			echo "$$dir $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir || exit 1; \
		done || exit 1; \
	done

bench: build ## measure: CPU per stream minute beside ffmpeg, look-ups, store, recognisers
	@scripts/setup-bench
	go test -run '^$$' -bench . -benchmem ./timeline ./store ./httpapi ./vision/... ./capture/container
	go test -tags bench -count=1 -timeout 30m -v ./internal/bench

bench-gate: setup ## measure the gate: calls and recall beside other ways to choose, cuts beside other detectors
	go test -tags bench -count=1 -timeout 30m -v ./internal/gatebench -run 'TestGate$$|TestCuts$$'

bench-engage: setup setup-engage ## measure the personaliser: beside Vowpal Wabbit, under drift, estimates against the truth, a million decisions
	go test -tags bench -count=1 -timeout 60m -v ./internal/engagebench
	go test -count=1 -timeout 30m -v -run 'Coverage|OpenBandit|Vowpal' ./engage/offline
	go test -count=1 -timeout 30m -v -run 'Caps|Kill' ./engage ./engage/ledger
	go test -run '^$$' -bench . -benchmem ./engage/...

scorecard: setup ## run all measurements side by side, write docs/scorecard.md and the table of README.md (ARGS=--quick: under five minutes)
	@scripts/setup-bench
	go run ./internal/scorecard/cmd $(ARGS)

cover: setup ## show test coverage by package
	go test -coverprofile=coverage.out ./... && go tool cover -func=coverage.out | tail -1

clean: ## remove what was built; setup's downloads stay
	rm -rf bin coverage.out
	find httpapi/web/dist -mindepth 1 ! -name README.md -delete
