# devapp: a developer program in PostgreSQL

EXTENSION = devapp
DEVAPP_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" devapp.control)
DEVAPP_SQL = $(EXTENSION)--$(DEVAPP_VERSION).sql

MODULE_big = devapp
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DATA_built = $(DEVAPP_SQL)
DATA = $(wildcard sql/releases/*.sql)

# In this order: first the check that the schema is ours, and how rights are
# declared; types before the tables that use them; tables before functions, whose
# bodies are checked; triggers after their functions; privileges last, because they
# must see every object.
SQL_MODULES = \
	sql/security/refuse_foreign.sql \
	sql/security/grants.sql \
	sql/types/resource_pattern.sql \
	sql/types/secret_digest.sql \
	sql/types/verdict.sql \
	sql/types/issued_credential.sql \
	sql/types/approval_decision.sql \
	sql/types/bulk.sql \
	sql/functions/keys.sql \
	sql/functions/lifecycle.sql \
	sql/functions/email.sql \
	sql/tables/owner.sql \
	sql/tables/product.sql \
	sql/tables/app.sql \
	sql/tables/credential.sql \
	sql/tables/approval_rule.sql \
	sql/tables/product_approver.sql \
	sql/tables/audit.sql \
	sql/tables/notification.sql \
	sql/tables/audit_log.sql \
	sql/tables/bulk.sql \
	sql/tables/usage.sql \
	sql/tables/quota.sql \
	sql/tables/shipment.sql \
	sql/tables/housekeeping.sql \
	sql/tables/restore.sql \
	sql/tables/dump.sql \
	sql/triggers/guards.sql \
	sql/triggers/bulk.sql \
	sql/triggers/app_status.sql \
	sql/triggers/approver.sql \
	sql/triggers/cache.sql \
	sql/triggers/audit.sql \
	sql/triggers/audit_log.sql \
	sql/triggers/team_admin.sql \
	sql/functions/audit_entry.sql \
	sql/functions/lookup.sql \
	sql/functions/identity.sql \
	sql/functions/authority.sql \
	sql/functions/developer.sql \
	sql/functions/team.sql \
	sql/functions/product.sql \
	sql/functions/operation.sql \
	sql/functions/openapi.sql \
	sql/functions/approval_rule.sql \
	sql/functions/approval.sql \
	sql/functions/association.sql \
	sql/functions/credential.sql \
	sql/functions/app.sql \
	sql/functions/app_status.sql \
	sql/functions/resubmit.sql \
	sql/functions/approver.sql \
	sql/functions/rotation.sql \
	sql/functions/transfer.sql \
	sql/functions/app_filter.sql \
	sql/functions/bulk.sql \
	sql/functions/bulk_actions.sql \
	sql/functions/bulk_run.sql \
	sql/functions/export.sql \
	sql/functions/attribute.sql \
	sql/functions/verify.sql \
	sql/functions/explain.sql \
	sql/functions/setting.sql \
	sql/functions/structure.sql \
	sql/functions/restore.sql \
	sql/functions/audit.sql \
	sql/functions/audit_log.sql \
	sql/functions/history.sql \
	sql/functions/usage_partition.sql \
	sql/functions/quota_window.sql \
	sql/functions/usage.sql \
	sql/functions/shipment.sql \
	sql/functions/record_usage.sql \
	sql/functions/worker_status.sql \
	sql/functions/quota.sql \
	sql/functions/housekeeping.sql \
	sql/functions/doctor.sql \
	sql/functions/notification.sql \
	sql/functions/notification_queue.sql \
	sql/functions/notification_schedule.sql \
	sql/triggers/notification.sql \
	sql/report/schema.sql \
	sql/report/usage.sql \
	sql/report/apps.sql \
	sql/report/governance.sql \
	sql/report/quota.sql \
	sql/report/refresh.sql \
	sql/report/totals.sql \
	sql/report/dashboard_html.sql \
	sql/report/dashboard_chart.sql \
	sql/report/dashboard_style.sql \
	sql/report/dashboard_data.sql \
	sql/report/dashboard_tiles.sql \
	sql/report/dashboard_days.sql \
	sql/report/dashboard_lists.sql \
	sql/report/dashboard.sql \
	sql/report/my_usage.sql \
	sql/report/top_apps.sql \
	sql/security/row_security.sql \
	sql/security/roles.sql \
	sql/security/privileges.sql

REGRESS = $(shell cat test/schedule)
REGRESS_OPTS = --inputdir=test
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

# Names here start with DEVAPP_ where PGXS has none of its own: it includes a
# Makefile.global full of short ones (INSTALL_SCRIPT is one).
PG_CPPFLAGS = -Isrc -DDEVAPP_VERSION='"$(DEVAPP_VERSION)"' -I$(libpq_srcdir)
SHLIB_LINK = -lsodium -lm
SHLIB_LINK_INTERNAL = $(libpq)
EXTRA_CLEAN = $(DEVAPP_SQL) results output_iso tmp_check build/for-*

# The targets for people find or install what they need by themselves, so they
# must work where there is no pg_config yet.
PEOPLE_TARGETS = demo shell test test-cassert test-dates test-matrix test-fresh fuzz lint bench bench-huge bench-quick
ifneq ($(filter $(PEOPLE_TARGETS),$(MAKECMDGOALS)),)

# their shells complain about a locale that is not installed, and cd of CDPATH goes elsewhere
export LC_ALL = C.UTF-8
unexport CDPATH

.PHONY: $(PEOPLE_TARGETS)
demo:
	test/demo/run
shell:
	test/demo/run --shell
test:
	test/run $(T)
test-cassert:
	test/cassert
test-dates:
	test/dates
test-matrix:
	test/matrix
test-fresh:
	test/fresh
fuzz:
	FUZZ_SECONDS=600 test/run fuzz
lint:
	test/run static
bench:
	test/bench/run
bench-huge:
	test/bench/run huge
bench-quick:
	test/bench/run quick

else

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(shell $(PG_CONFIG) --includedir-server)/postgres.h),)
$(error $(PG_CONFIG) knows no server headers of PostgreSQL. On Debian, install postgresql-server-dev-NN for your major NN; else set PG_CONFIG)
endif
include $(PGXS)

# What was built for another major, or for one with assertions, is built again.
BUILT_FOR := build/for-$(MAJORVERSION)-$(firstword $(shell $(PG_CONFIG) --configure | cksum))
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*/*.h) devapp.control $(BUILT_FOR)

$(BUILT_FOR):
	@mkdir -p build && rm -f build/for-* && touch $@

$(DEVAPP_SQL): $(SQL_MODULES) devapp.control Makefile
	@printf '%s\n' '-- devapp $(DEVAPP_VERSION): built from sql/, in the order of the Makefile' \
	  '\echo Use "CREATE EXTENSION devapp CASCADE" to load this file. \quit' > $@.tmp
	@for module in $(SQL_MODULES); do \
	  printf '\n-- %s\n\n' "$$module" && cat "$$module" || exit 1; done >> $@.tmp
	@mv $@.tmp $@

endif
