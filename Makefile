# rspthreat: `make run` judges the embedded reference, `make test` passes everything. `make help` lists the rest.

GO      ?= go
TOOL    := $(GO) tool -modfile=.ci/tools.mod
OUT     ?= rspthreat-report
RUNS    ?= 50
BENCHTIME ?= 1s
FUZZTIME ?= 60

.DEFAULT_GOAL := help
.PHONY: help build run deps recipes image test unit lint race proof browser asan suite interop group repeat vuln fuzz fuzz-distributed fuzz-libfuzzer fuzz-memory fuzz-wire interop-fuzz bench screenshots clean

help: ## List every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the rspthreat command (needs Go, gcc and libssl-dev)
	@command -v gcc >/dev/null || { echo 'rspthreat needs a C compiler: apt-get install gcc'; exit 2; }
	@echo '#include <openssl/ssl.h>' | gcc -E - >/dev/null 2>&1 || { echo 'rspthreat needs OpenSSL 3: apt-get install libssl-dev'; exit 2; }
	$(GO) build -o rspthreat .

run: build ## Judge the embedded reference and write $(OUT)/index.html
	./rspthreat run --out $(OUT)

deps: ## Install what the tests need beside Go (Debian packages, as root)
	.ci/install

test: deps lint race proof browser asan ## Everything that must pass: lint, tests with the race detector, proofs and suite, browser

unit: ## Unit tests only, without the race detector
	$(GO) test ./...

# The proofs judge the reference some hundred times and are run without the detector; the
# checks themselves run with it in ./scenarios. In the browser tests Chromium does the work.
# Of the planted bugs every fifth is looked for with the detector, and all of them without.
race: ## All tests but the proofs and those of the browser, with the race detector
	$(GO) test -race $$($(GO) list ./... | grep -v -e '/scenarios/proof$$' -e '/reports/browser$$')

# They wait more than they compute; what computes bounds itself (faultsAtOnce, sabotagesAtOnce).
proof: ## Each check can fail (faults of the reference and of the harness), the suite agrees, planted bugs are found
	$(GO) test -parallel 1000 -timeout 20m ./scenarios/proof
	$(GO) test ./fuzz/plant

browser: ## The report in Chromium: links, filters, ladders, accessibility
	$(GO) test ./reports/browser

asan: ## The C part under the address sanitizer
	$(GO) test -asan ./reference/tlspsk

suite: ## The ginkgo suite in parallel processes
	$(GO) run github.com/onsi/ginkgo/v2/ginkgo -p --succinct ./scenarios

lint: ## gofumpt, go vet, staticcheck, tidy modules
	@test -z "$$($(TOOL) gofumpt -l .)" || { echo 'not formatted:'; $(TOOL) gofumpt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags interop,group ./...
	$(TOOL) staticcheck ./...
	$(GO) mod tidy -diff

recipes: deps build ## The recipes for CI: each against its linter (downloads them), plain shell and GitLab run
	.ci/recipes

image: ## Build sut/recipes/Dockerfile without an engine, on base images made here, and run it (as root, with buildah)
	.ci/image

interop: deps build ## Work with rsplib, and judge rsplib's rspregistrar in a user-mode-linux guest (as root)
	$(GO) test -tags interop -count=1 -p 4 -timeout 15m ./sut/guest ./reference/association/interop ./reference/interop ./scenarios/interop

repeat: ## Judge the embedded reference $(RUNS) times: every run must give the same verdicts
	$(GO) test -count=1 -timeout 60m -run TestVerdictsAreTheSameEveryTime ./scenarios/proof -args -runs $(RUNS)

vuln: ## Known vulnerabilities in what is linked in (needs the Go vulnerability database)
	$(TOOL) govulncheck ./...

fuzz: ## Each fuzz target for $(FUZZTIME) seconds with go-fuzz
	fuzz/fuzz-gofuzz -t $(FUZZTIME)

fuzz-distributed: ## go-fuzz's coordinator and workers on loopback for $(FUZZTIME) seconds
	fuzz/fuzz-distributed -t $(FUZZTIME)

fuzz-libfuzzer: ## Each fuzz target for $(FUZZTIME) seconds with libFuzzer, and executions per CPU-second (needs clang-14)
	fuzz/fuzz-libfuzzer -t $(FUZZTIME)

fuzz-memory: ## Ten million cases over the wire: the memory after each million, which must not grow
	$(GO) test -run '^$$' -bench Memory -benchtime 10000000x -timeout 2h ./fuzz/campaign

group: ## Three registrars and a thousand elements in network namespaces (as root)
	$(GO) test -tags group -count=1 -timeout 9m -v ./reference/daemon/group

fuzz-wire: build ## Fuzz the reference registrar over the wire for $(FUZZTIME) seconds
	./rspthreat fuzz --time $(FUZZTIME)s --out .cache/fuzz-wire-$$(date +%Y%m%d-%H%M%S)

interop-fuzz: FUZZTIME = 600
interop-fuzz: deps build ## Fuzz rsplib's rspregistrar in a guest for FUZZTIME (600) seconds; findings stay in .cache (as root)
	./rspthreat guest run -- ./rspthreat fuzz --sut sut/rsplib.yaml --time $(FUZZTIME)s --deaths 10000 \
		--out .cache/interop-fuzz-$$(date +%Y%m%d-%H%M%S) || test $$? -eq 1

bench: ## Benchmarks with their marks
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -cpu 1 ./reference/...
	$(GO) test -run '^$$' -bench Campaign -benchtime 20000x ./fuzz/campaign

# A fault of the reference, so that the pictures show a check that fails and why.
screenshots: deps build ## Pictures for the README, in Chromium, of a run that judges a faulty reference
	./rspthreat run --fault skip-owner-check --out .cache/pictured || test $$? -eq 1
	$(GO) test ./reports/browser -run TestScreenshots -count=1 -args -screenshots $(CURDIR)/.readme -report $(CURDIR)/.cache/pictured/index.html

clean: ## Remove what the targets above write
	rm -rf rspthreat $(OUT)
