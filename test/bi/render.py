"""Renders a dbt model with Jinja, as dbt does:  render.py FILE TIMEZONE AGAIN

AGAIN is 1 for a later run of an incremental model, and 0 for the first.
"""
import sys

import jinja2

file, timezone, again = sys.argv[1:]
values = {
    "config": lambda **settings: "",
    "source": lambda of, name: f"{of}_report.{name}",
    "var": {"devapp_time_zone": timezone}.__getitem__,
    "is_incremental": lambda: again == "1",
    "this": "devapp_models.usage_history",
}
with open(file, encoding="utf-8") as model:
    text = model.read()
# a name that is not known is an error
environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
print(environment.from_string(text).render(values))
