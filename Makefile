# The commands of this repository. `make help` lists them by the groups that `##@` begins.
# The oldest Python that lensfeed runs on is the one that its checks run on.
PYTHON ?= $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
# Byte code is kept, whatever the shell says: without it, every process that a test starts compiles all of lensfeed again.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(shell find protos/lensfeed -name '*.proto')
STAMP := $(VENV)/.installed
# Two copies: buf and callers read the first, the edge the second.
GENERATED := build/lensfeed.binpb
PACKAGED := edge_proxy/lensfeed.binpb
# Only what apps may call; the stubs of every language come from it.
PUBLIC := build/public.binpb
JAVA_CLIENT := clients/java/target/lensfeed-java.jar
GO_CLIENT := clients/go/bin/tour
TYPESCRIPT_CLIENT := clients/typescript/dist/examples/tour.js
NODE_MODULES := clients/typescript/node_modules/.package-lock.json
# Other ports, another data folder: make dev DEV='--port 8090 --data /tmp/second'
DEV ?= --port 8080 --base-port 18049
# Sphinx writes pages even if it fails, so none of them can be the stamp.
SITE := build/.site
PAGES := $(shell find docs -name '*.md' -o -name '*.svg' -o -name '*.css' -o -name conf.py) $(wildcard *.md)
# What writes the reference pages, and the stamps of writing and of checking them.
REFERENCE := build/.reference
WRITTEN := docs/api.md docs/settings.md docs/metrics.md docs/errors.md docs/cassandra-statements.md docs/capacity.md
CHECKED := build/.reference-checked
SOURCES := $(shell find bench/capacity docs/generate edge_proxy meshkit *_svc -name '*.py') bench/results/latest.json
PYTHON_CLIENT := build/.python-client
# Of a Flask extension, which only a build installs.
SWAGGER_UI := edge_proxy/answers/openapi/swagger_ui/LICENSE
WHEEL := dist/lensfeed-$(shell sed -n 's/^version = //p' setup.cfg)-py3-none-any.whl
SBOM := build/sbom.json
# So many processes share the tests; each has a Valkey and a SeaweedFS of its own. One more than cores, as many tests wait.
TEST_PROCESSES ?= 3
RUNS ?= 20
# Only some promises, another seed: make faults FAULTS='1 --seed 7'
FAULTS ?=
# Only some figures, more pairs: make bench BENCH='hot_read --pairs 9'
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help install protos reference docs api-docs dashboards fmt lint types contracts lock lock-check sbom licences pythons packages release-protos check test coverage test-fast test-load wheel images test-images stubs stubs-python stubs-typescript stubs-go stubs-java test-stubs dev clean faults faults-quick faults-nodes bench

help: ## List these targets
	@awk -F':.*## ' '/^##@ /{printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run

dev: protos ## Start the whole mesh on this machine, until Ctrl-C
	$(BIN)/lensfeed dev $(DEV)

##@ Set up

install: $(STAMP) ## Create .venv with lensfeed and everything that its checks need

$(STAMP): setup.cfg pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "lensfeed needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p protos/buf/validate  # a package of ours that is empty until `make protos`; setuptools wants its folder
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

protos: $(GENERATED) $(PACKAGED) $(PUBLIC) $(SWAGGER_UI) ## Generate the Python code of the contracts

$(GENERATED): $(PROTOS) protos/generate.py $(STAMP)
	$(BIN)/python protos/generate.py

$(PACKAGED): $(GENERATED)
	@cp $(GENERATED) $@

# It reads the contracts for where its page lies.
$(SWAGGER_UI): tools/swagger_ui.py $(GENERATED)
	$(BIN)/python -m tools.swagger_ui
	@touch $@

$(PUBLIC): $(GENERATED) protos/public.py
	$(BIN)/python protos/public.py

##@ Document

docs: $(CHECKED) $(SITE) ## Build the documentation site into build/site, strictly

$(CHECKED): $(PACKAGED) $(SOURCES) $(PAGES) $(STAMP)
	$(BIN)/python -m docs.generate --check
	@touch $@

$(SITE): $(PAGES) $(STAMP)
	$(BIN)/sphinx-build -E -W --keep-going -n -q docs build/site
	@touch $@

reference: $(REFERENCE) ## Write the reference pages from code and contracts

$(REFERENCE): $(PACKAGED) $(SOURCES) $(WRITTEN) $(STAMP)
	$(BIN)/python -m docs.generate
	@touch $@

api-docs: protos ## Write docs/api.md from the contracts
	$(BIN)/python -m edge_proxy.answers.openapi markdown > docs/api.md

dashboards: $(STAMP) ## Write the Grafana dashboards from their code into deploy/dashboards/
	$(BIN)/python -m tools.monitoring

##@ Check

fmt: install ## Format the code and the contracts
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/buf format -w protos --path protos/lensfeed

lint: protos ## Check style and formatting, also of the contracts and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/buf format -d --exit-code protos --path protos/lensfeed
	$(BIN)/buf lint $(GENERATED) --config buf.yaml
	$(BIN)/hadolint deploy/images/Dockerfile

types: protos ## Check types, strictly
	$(BIN)/mypy

contracts: protos ## Check that the contracts break no caller, compared with main
	sh protos/breaking.sh $(BIN)

lock: $(STAMP) ## Pin every requirement of setup.cfg, with hashes, in requirements/ (newer versions: make lock LOCK=--upgrade)
	$(BIN)/python -m tools.lock $(LOCK)

lock-check: $(STAMP) ## Check that the locks are those of setup.cfg
	$(BIN)/python -m tools.lock check

sbom: $(SBOM) ## Write what lensfeed ships, with versions and licences, to build/sbom.json (CycloneDX)

$(SBOM): requirements/run.txt tools/bill.py $(STAMP)
	$(BIN)/python -m tools.bill $@

licences: $(SBOM) ## Refuse licences that cannot be shipped under Apache-2.0
	$(BIN)/python -m tools.licences $(SBOM)

# After the bill, which makes one of the environments.
pythons: protos $(SBOM) ## Install the wheel on every Python of this machine, and import all of it
	@rm -rf build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m tools.pythons $(WHEEL)

packages: pythons ## Check wheel and sdist by twine, and install the wheel into empty environments, with and without extras
	$(BIN)/python -m tools.packages $(WHEEL)

check: lint types contracts docs lock-check licences pythons packages ## Run every check that needs no server

##@ Test

test: protos ## Run every test on real servers (installs Java and Maven for Cassandra if it can, builds Helm, unpacks Prometheus)
	sh tests/need_java.sh
	sh tests/need_helm.sh
	sh tests/need_prometheus.sh
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) -m 'not faults and not stubs and not images'

coverage: protos ## Run every test, traced with all processes that it starts, and refuse less coverage than before (half an hour)
	sh tests/need_java.sh
	sh tests/need_helm.sh
	sh tests/need_prometheus.sh
	$(BIN)/coverage run -m pytest -n $(TEST_PROCESSES) -m 'not faults and not stubs and not images'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-fast: protos ## Run the quick tests, on no mesh and no cluster (a minute)
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) -m 'not mesh and not cluster and not slow and not faults and not stubs and not images' --durations=5

test-load: protos ## Run the black-box tests 20 times, three at a time (most of an hour; fewer: make test-load RUNS=3)
	sh tests/need_java.sh
	sh tests/need_prometheus.sh
	PYTHON=$(BIN)/python sh tests/under_load.sh $(RUNS)

faults: protos ## Break a mesh under load, and check every promise of docs/reliability.md (half an hour)
	sh tests/need_java.sh
	$(BIN)/python -m faults --store cassandra $(FAULTS)

faults-quick: protos ## The same in short, on SQLite: fewer people, shorter runs (five minutes)
	$(BIN)/python -m faults --quick $(FAULTS)

faults-nodes: protos ## Kill and pause nodes of real clusters under load (minutes)
	sh tests/need_java.sh
	$(BIN)/python -m pytest -m faults -s tests/faults tests/devmesh

##@ Measure

bench: protos ## Measure, and write docs/benchmarks.md (ten minutes; keep the machine quiet)
	sh tests/need_java.sh
	$(BIN)/python -m bench $(BENCH)

##@ Release and clients

release-protos: protos ## Freeze the public contracts as those of setup.cfg's version
	$(BIN)/python protos/release.py

wheel: protos ## Build a wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

images: wheel ## Build the image of each role (as root, by buildah and mmdebstrap; without them, only what a build needs)
	$(BIN)/python -m tools.images $(WHEEL)

test-images: protos ## Run a mesh out of the built images, without an engine (as root, after `make images`)
	$(BIN)/python -m pytest -m images tests/images

stubs: stubs-python stubs-typescript stubs-go stubs-java ## Build the clients of every language from the public contracts

test-stubs: stubs ## Run a program of each language against a mesh (needs Go, Node.js, a JDK and Maven)
	$(BIN)/python -m pytest -m stubs tests/stubs

stubs-python: $(PYTHON_CLIENT) ## Build the Python client's wheel into dist/

$(PYTHON_CLIENT): $(PUBLIC) $(shell find clients/python -name '*.py' -o -name '*.toml' -o -name '*.md')
	$(BIN)/python clients/python/build_wheel.py
	@touch $@

stubs-typescript: $(TYPESCRIPT_CLIENT) ## Build the TypeScript client into clients/typescript/dist/

$(NODE_MODULES): clients/typescript/package-lock.json clients/typescript/package.json
	@sh tests/need_stub_tools.sh typescript
	npm ci --loglevel=error --prefix clients/typescript > /dev/null
	@touch $@

$(TYPESCRIPT_CLIENT): $(PUBLIC) $(NODE_MODULES) $(wildcard clients/typescript/*.json clients/typescript/*.yaml clients/typescript/*/*.ts)
	rm -rf clients/typescript/dist
	cd clients/typescript && $(abspath $(BIN))/buf generate && node_modules/.bin/tsc --project .

stubs-go: $(GO_CLIENT) ## Build the Go client, and its tour into clients/go/bin/

$(GO_CLIENT): $(PUBLIC) $(wildcard clients/go/*.go clients/go/*.yaml clients/go/go.* clients/go/cmd/*/*.go)
	@sh tests/need_stub_tools.sh go
	cd clients/go && $(abspath $(BIN))/buf generate && go build -buildvcs=false -o bin/tour ./cmd/tour

stubs-java: $(JAVA_CLIENT) ## Build the Java stubs and their tour into clients/java/target/

$(JAVA_CLIENT): $(PUBLIC) $(shell find clients/java/pom.xml clients/java/src -type f)
	@sh tests/need_stub_tools.sh java
	rm -rf clients/java/target
	mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never --file clients/java package

##@ Clean up

clean: ## Remove everything generated, except .venv
	rm -rf build dist clients/java/target clients/go/bin clients/go/gen clients/typescript/dist clients/typescript/src/gen protos/buf/validate/* $(PACKAGED) .coverage* .mypy_cache .ruff_cache .pytest_cache
	find protos -name '*_pb2*' -delete
