# Every command of the project; `make` alone lists them.

# Where compiled code may not be kept, each of many processes compiles all of it at its start.
unexport PYTHONDONTWRITEBYTECODE

VENV := $(or $(CONCORD_VENV),.venv)
BIN := $(VENV)/bin
PYTHON ?= python3
STACK := $(BIN)/python -m deploy.local
SOURCES := service streams clients deploy benchmarks protos/build_hook.py docs/generate.py \
	docs/generating tests

# One worker more than the smallest machine has processors, for many tests wait for processes; a
# file's tests stay together on one.
PYTEST := $(BIN)/pytest
PYTEST_ALL := $(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run down status clean protos fmt lint types docs verify baseline check test \
        test-long test-kafka bench unit contract architecture integration system lock simulate bugs

help: ## List these targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{ printf "  %-13s %s\n", $$1, $$2 }'

setup: ## Make the environment and install what the lock names (nothing if that is done)
	@$(PYTHON) deploy/setup.py

run: setup ## Start everything on this machine and stay; Ctrl-C ends it
	@$(STACK) up $(ARGS)

down: setup ## End what `make run` started
	@$(STACK) down

status: setup ## Tell what runs
	@$(STACK) status

clean: setup ## End what runs, and delete its data
	@$(STACK) clean

protos: setup ## Generate the contract's Python code (done by setup, too)
	@$(BIN)/python protos/build_hook.py

fmt: setup ## Format the code and mend what can be mended
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

lint: setup ## Check format, style and the rules of who imports whom
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/lint-imports --no-cache

types: setup ## Check the types
	@$(BIN)/mypy

docs: setup ## Write the pages that are made from code and contract
	@$(BIN)/python docs/generate.py

verify: setup ## Check the contract: style, and that it breaks nobody who uses the last release's
	@$(BIN)/python protos/build_hook.py --image protos/gen/.image.binpb
	@$(BIN)/buf lint protos/gen/.image.binpb --config protos/buf.yaml
	@$(BIN)/buf breaking protos/gen/.image.binpb --config protos/buf.yaml \
		--against protos/baseline.binpb

baseline: setup ## Take the contract as it is for that of the last release
	@$(BIN)/python protos/build_hook.py --baseline protos/baseline.binpb

check: lint types verify ## All that a change must pass before the slower suites
	@$(PYTEST_ALL) tests/unit tests/contract tests/architecture

test: setup ## Run every test; real servers, started and ended by the tests
	@$(PYTEST_ALL) $(ARGS)

test-long: setup ## Run the tests that take minutes each, which `make test` leaves out
	@$(PYTEST) -m long --ignore tests/faults/chaos/test_soak.py $(ARGS)

.PHONY: faults soak
faults: setup ## Kill, pause and cut everything 600 times under load, in four minutes
	@$(PYTEST) -m long -s tests/faults/chaos/test_chaos_at_length.py $(ARGS)

# On Apache Kafka, which needs Java 17 and Maven: the embedded broker lists all that a partition
# ever held with each fetch, so that after a million events half of a processor goes into that.
soak: setup ## The same 12,000 times, in more than an hour, watching memory; needs Java 17 and Maven
	@CONCORD_EMBEDDED_BROKER=apache $(PYTEST) -m long -s tests/faults/chaos/test_soak.py $(ARGS)

# The tests whose matter is the broker: the same files as with the embedded one, and its own. What
# takes minutes there is left out.
KAFKA_TESTS := tests/kafka tests/integration/relay tests/integration/streams/test_losses.py \
	tests/integration/streams/test_sending.py \
	tests/faults/chaos/test_chaos.py
KAFKA_TESTS_LONG := tests/kafka/test_three_brokers.py \
	tests/integration/streams/test_broker_emptied_five_times.py \
	tests/integration/streams/test_workers_take_over.py

.PHONY: test-kafka-long
test-kafka: setup ## Run the tests around the broker against Apache Kafka; needs Java 17 and Maven
	@CONCORD_EMBEDDED_BROKER=apache $(PYTEST_ALL) -m "" $(KAFKA_TESTS) \
		$(KAFKA_TESTS_LONG:%=--ignore %) --ignore tests/integration/relay/test_silence.py $(ARGS)

test-kafka-long: setup ## Kill three brokers of it in turn, and empty one five times, under load
	@CONCORD_EMBEDDED_BROKER=apache $(PYTEST) -m long $(KAFKA_TESTS_LONG) $(ARGS)

bench: setup ## Measure everything beside something known, in one table of ratios
	@$(BIN)/python -m benchmarks $(ARGS)

simulate: setup ## Run small worlds under SEEDS=20000 seeds, or one SEED with its whole history
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) \
		$(ARGS)

bugs: setup ## Break one rule at a time, twelve in all, and see that the tests notice (a minute or two)
	@$(BIN)/python -m tests.bugs $(ARGS)

unit: setup ## Run the tests without IO (seconds)
	@$(PYTEST) tests/unit $(ARGS)

contract: setup ## Run one suite against every implementation of a port, and the golden files
	@$(PYTEST) tests/contract $(ARGS)

architecture: setup ## Run the tests of the house rules
	@$(PYTEST) tests/architecture $(ARGS)

integration: setup ## Run the tests of each adapter against its real server
	@$(PYTEST) tests/integration $(ARGS)

system: setup ## Run the tests of the whole stack
	@$(PYTEST) tests/system $(ARGS)

lock: setup ## Resolve the dependencies again, after a change of pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet -o deploy/requirements.lock
