# devapp: a developer program in PostgreSQL

EXTENSION = devapp
DEVAPP_VERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" devapp.control)
DEVAPP_SQL = $(EXTENSION)--$(DEVAPP_VERSION).sql
# the release before, if there is one, and how to get from there to here (sql/upgrade/README.md)
DEVAPP_PREVIOUS := $(shell sql/upgrade/previous $(DEVAPP_VERSION))
DEVAPP_UPDATE = $(if $(DEVAPP_PREVIOUS),$(EXTENSION)--$(DEVAPP_PREVIOUS)--$(DEVAPP_VERSION).sql)

MODULE_big = devapp
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DATA_built = $(DEVAPP_SQL) $(DEVAPP_UPDATE)
# what is released already is built as well, the same
DATA = $(filter-out $(addprefix sql/releases/,$(DATA_built)),$(wildcard sql/releases/*.sql))

# The SQL by topic, in this order: first the check that the schema is ours, and how
# rights are declared; then what tables use (base, types), the tables of all topics,
# what each topic does, and its triggers; privileges last, because they must see every
# object.  The bodies of functions are checked by a test (test/sql/install.sql).
DEVAPP_TOPICS = identity owner product app credential approval import verify token audit seal notification leak \
	quota usage restore bulk report dashboard api doctor
DEVAPP_EACH = $(foreach topic,$(DEVAPP_TOPICS),$(sort $(filter $(1),$(wildcard sql/$(topic)/*.sql))))
# what a topic does: in the order of its files' names, but for those whose views need one another
DEVAPP_report = schema usage hourly latency apps entities credentials governance approvals quota refresh totals own_apps own_products own_usage own_teams own_quota own_notifications top_apps
DEVAPP_dashboard = html chart style data tiles days lists page own
DEVAPP_api = response document $(filter-out response document types tables triggers,$(notdir $(basename $(sort $(wildcard sql/api/*.sql)))))
DEVAPP_FILES = $(if $(DEVAPP_$(1)),$(patsubst %,sql/$(1)/%.sql,$(DEVAPP_$(1))), \
	$(sort $(filter-out %/types.sql %/tables.sql %/triggers.sql,$(wildcard sql/$(1)/*.sql))))
SQL_MODULES = \
	sql/security/refuse_foreign.sql sql/security/grants.sql \
	$(sort $(wildcard sql/base/*.sql)) \
	$(call DEVAPP_EACH,%/types.sql) \
	$(call DEVAPP_EACH,%/tables.sql) \
	$(foreach topic,$(DEVAPP_TOPICS),$(call DEVAPP_FILES,$(topic))) \
	$(call DEVAPP_EACH,%/triggers.sql) \
	sql/security/row_security.sql sql/security/roles.sql sql/security/privileges.sql

REGRESS = $(shell cat test/schedule)
REGRESS_OPTS = --inputdir=test
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

# Names here start with DEVAPP_ where PGXS has none of its own: it includes a
# Makefile.global full of short ones (INSTALL_SCRIPT is one).
PG_CPPFLAGS = -Isrc -DDEVAPP_VERSION='"$(DEVAPP_VERSION)"' -DDEVAPP_PREVIOUS='"$(DEVAPP_PREVIOUS)"' -I$(libpq_srcdir)
SHLIB_LINK = -lsodium -lcrypto -lm
SHLIB_LINK_INTERNAL = $(libpq)
EXTRA_CLEAN = $(DATA_built) results output_iso tmp_check build/for-*

# The targets for people find or install what they need by themselves, so they
# must work where there is no pg_config yet.
PEOPLE_TARGETS = demo shell test coverage test-cassert test-reach test-dates test-matrix test-fresh test-upgrade freeze fuzz \
	lint bench bench-check deb dist image test-packages
ifneq ($(filter $(PEOPLE_TARGETS),$(MAKECMDGOALS)),)

# their shells complain about a locale that is not installed, and cd of CDPATH goes elsewhere
export LC_ALL = C.UTF-8
unexport CDPATH

# make coverage DEVAPP_COVERAGE_INFO=FILE keeps what lcov found
export DEVAPP_COVERAGE_INFO

.PHONY: $(PEOPLE_TARGETS)
demo:
	test/demo/run
shell:
	test/demo/run --shell
test:
	test/run $(T)
coverage:
	test/coverage $(T)
test-cassert:
	test/cassert
test-dates:
	test/dates
test-reach:
	test/reach/run
test-matrix:
	test/matrix
test-fresh:
	test/fresh
# make test-upgrade SIZE=full does it with a million credentials
test-upgrade:
	test/release/upgrade $(SIZE)
# freezes the version of devapp.control as a release
freeze:
	test/release/freeze
fuzz:
	FUZZ_SECONDS=600 test/run fuzz
lint:
	test/run static
# make bench SIZE=full takes about half an hour
bench:
	test/bench/run $(SIZE)
bench-check:
	test/bench/check
deb:
	packaging/deb
dist:
	packaging/dist
image:
	packaging/image
test-packages:
	test/packages/run $(T)

else

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(shell $(PG_CONFIG) --includedir-server)/postgres.h),)
$(error $(PG_CONFIG) knows no server headers of PostgreSQL. On Debian, install postgresql-server-dev-NN for your major NN; else set PG_CONFIG)
endif
include $(PGXS)

# What was built for another major, or for one with assertions, is built again.
BUILT_FOR := build/for-$(MAJORVERSION)-$(firstword $(shell $(PG_CONFIG) --configure | cksum))
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*/*.h) devapp.control $(wildcard sql/releases) $(BUILT_FOR)

$(BUILT_FOR):
	@mkdir -p build && rm -f build/for-* && touch $@

.PHONY: list-modules
list-modules:
	@echo $(SQL_MODULES)

$(DEVAPP_SQL): $(SQL_MODULES) devapp.control Makefile
	@printf '%s\n' '-- devapp $(DEVAPP_VERSION): built from sql/, in the order of the Makefile' \
	  '\echo Use "CREATE EXTENSION devapp CASCADE" to load this file. \quit' > $@.tmp
	@for module in $(SQL_MODULES); do \
	  printf '\n-- %s\n\n' "$$module" && sed 's/@DEVAPP_VERSION@/$(DEVAPP_VERSION)/' "$$module" || exit 1; done >> $@.tmp
	@mv $@.tmp $@

ifneq ($(DEVAPP_UPDATE),)
DEVAPP_DELTAS = sql/upgrade/$(DEVAPP_PREVIOUS)--$(DEVAPP_VERSION)
$(DEVAPP_UPDATE): $(DEVAPP_SQL) sql/releases/$(EXTENSION)--$(DEVAPP_PREVIOUS).sql sql/upgrade/build src/table/catalog.c \
		$(wildcard sql/upgrade/frame/*.sql) $(wildcard $(DEVAPP_DELTAS) $(DEVAPP_DELTAS)/*.sql)
	@sql/upgrade/build $(DEVAPP_PREVIOUS) $(DEVAPP_VERSION) > $@.tmp
	@mv $@.tmp $@
endif

endif
